"""APScheduler 3, jobs in memory, threads. Other processes cannot send it anything: only by the minute."""

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.cron import CronTrigger

from benchmarks.rivals import track


def serve() -> None:
    scheduler = BlockingScheduler(executors={"default": ThreadPoolExecutor(track.AT_ONCE)})
    for number in range(track.CRON_JOBS):
        scheduler.add_job(track.note, CronTrigger.from_crontab("* * * * *"), args=[f"cron {number}"])
    scheduler.start()


def main() -> None:
    with track.beside(track.calling("with_apscheduler", "serve")):
        track.run(None)
