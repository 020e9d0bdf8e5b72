"""Procrastinate: a worker of coroutines that is notified, jobs deferred over an open connection."""

import asyncio
import os

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

from benchmarks.rivals import track

ADDRESS = os.environ["DATABASE_URL"]
app = App(connector=SyncPsycopgConnector(conninfo=ADDRESS))


@app.task(name="noop")
async def noop(key: str) -> None:
    track.note(key)


def periodic(number: int) -> None:
    @app.periodic(cron="* * * * *", periodic_id=str(number))
    @app.task(name=f"cron {number}", pass_context=False)
    async def due(timestamp: int) -> None:
        track.note(f"cron {number}")


for number in range(track.CRON_JOBS):
    periodic(number)


def serve() -> None:
    asyncio.run(_serve())


async def _serve() -> None:
    with app.replace_connector(PsycopgConnector(conninfo=ADDRESS)) as here:
        async with here.open_async():
            await here.run_worker_async(concurrency=track.AT_ONCE, delete_jobs="successful")


def send(key: str) -> None:
    noop.defer(key=key)


def main() -> None:
    with app.open():
        app.schema_manager.apply_schema()
        with track.beside(track.calling("with_procrastinate", "serve")):
            track.run(send)
