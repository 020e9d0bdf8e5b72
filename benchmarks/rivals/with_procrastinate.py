"""Procrastinate: a worker of coroutines that is notified, jobs deferred over an open connection."""

import asyncio
import os

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

from benchmarks.rivals import procedure

ADDRESS = os.environ["DATABASE_URL"]
app = App(connector=SyncPsycopgConnector(conninfo=ADDRESS))


@app.task(name="noop")
async def noop(key: str) -> None:
    procedure.record_start(key)


def periodic(number: int) -> None:
    @app.periodic(cron="* * * * *", periodic_id=str(number))
    @app.task(name=f"cron {number}", pass_context=False)
    async def due(timestamp: int) -> None:
        procedure.record_start(f"cron {number}")


for number in range(procedure.CRON_JOBS):
    periodic(number)


def serve() -> None:
    asyncio.run(_serve())


async def _serve() -> None:
    with app.replace_connector(PsycopgConnector(conninfo=ADDRESS)) as here:
        async with here.open_async():
            await here.run_worker_async(concurrency=procedure.AT_ONCE, delete_jobs="successful")


def send(key: str) -> None:
    noop.defer(key=key)


def main() -> None:
    with app.open():
        app.schema_manager.apply_schema()
        with procedure.running(procedure.command_of("with_procrastinate", "serve")):
            procedure.run(send)
