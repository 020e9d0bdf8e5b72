"""APScheduler 3, jobs in memory, threads. Other processes cannot send it anything: only by the minute."""

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.cron import CronTrigger

from benchmarks.rivals import procedure


def serve() -> None:
    scheduler = BlockingScheduler(executors={"default": ThreadPoolExecutor(procedure.AT_ONCE)})
    for number in range(procedure.CRON_JOBS):
        scheduler.add_job(
            procedure.record_start, CronTrigger.from_crontab("* * * * *"), args=[f"cron {number}"]
        )
    scheduler.start()


def main() -> None:
    with procedure.running(procedure.command_of("with_apscheduler", "serve")):
        procedure.run(None)
