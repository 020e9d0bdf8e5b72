"""Huey with Redis (blocking reads) or SQLite (looks every 10 to 50 ms, no fsync), a consumer of threads.

Its consumer looks once a minute for what is due, counted from its own start.
"""

import os
import sys

from huey import RedisHuey, SqliteHuey, crontab

from benchmarks.rivals import procedure

ON_SQLITE = os.environ.get("RIVALS_STORE") == "sqlite"
huey = (
    SqliteHuey("rivals", filename=str(procedure.FOLDER / "huey.sqlite3"), fsync=False, results=False)
    if ON_SQLITE
    else RedisHuey("rivals", url=os.environ["REDIS_URL"], results=False)
)


@huey.task()
def noop(key: str) -> None:
    procedure.record_start(key)


def periodic(number: int) -> None:
    @huey.periodic_task(crontab(), name=f"cron{number}")
    def due() -> None:
        procedure.record_start(f"cron {number}")


for number in range(procedure.CRON_JOBS):
    periodic(number)


def send(key: str) -> None:
    noop(key)


def main() -> None:
    often = ("-d", "0.01", "-m", "0.05") if ON_SQLITE else ()
    options = ("-k", "thread", "-w", str(procedure.AT_ONCE), "-s", "1", *often)
    script = "from huey.bin.huey_consumer import consumer_main; consumer_main()"
    with procedure.running([sys.executable, "-c", script, "benchmarks.rivals.with_huey.huey", *options]):
        procedure.run(send)
