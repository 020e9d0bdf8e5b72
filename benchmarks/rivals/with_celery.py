"""Celery with Redis: a worker of threads that takes one job at a time, and beat in a process of its own.

No results are kept and nobody gossips; messages are acknowledged as ever, when they are taken.
"""

import os
import sys

from celery import Celery
from celery.schedules import crontab

from benchmarks.rivals import procedure

app = Celery("rivals", broker=os.environ["REDIS_URL"])
app.conf.update(
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    worker_enable_remote_control=False,
    broker_connection_retry_on_startup=True,
    beat_schedule_filename=str(procedure.FOLDER / "beat"),
    beat_schedule={
        f"cron {number}": {"task": "noop", "schedule": crontab(), "args": (f"cron {number}",)}
        for number in range(procedure.CRON_JOBS)
    },
)


@app.task(name="noop")
def noop(key: str) -> None:
    procedure.record_start(key)


def send(key: str) -> None:
    noop.delay(key)


def main() -> None:
    me = ("-A", "benchmarks.rivals.with_celery", "--quiet")
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    celery = (sys.executable, "-m", "celery", *me)
    worker = [*celery, "worker", "-P", "threads", "-c", str(procedure.AT_ONCE), *quiet]
    with procedure.running(worker, [*celery, "beat"]):
        procedure.run(send)
