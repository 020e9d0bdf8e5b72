"""One worker process: Procrastinate fetches the wake-ups, the executor runs the runs.

The executor is the scheduler's, with its own loop and lease renewer. Runs do not depend on Procrastinate: if
it loses the database and restarts, the runs go on under their leases.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

from django.db import connections
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.job_context import AbortReason

from agents.runtimes import preload_sdk
from schedules import conf
from schedules.capacity.processes import ProcessHeartbeat
from schedules.execution.executor import Executor
from schedules.execution.run_task import Cause, Job
from schedules.models import Run
from schedules.monitoring.process_reports import Reporter
from schedules.transitions import Claim, adopt
from stagent.lib import clock
from stagent.lib.db.async_db import database_threads, db_sync_to_async
from stagent.lib.processes.outage import Outage
from stagent.lib.processes.process_id import holder_id
from stagent.lib.processes.shutdown import close_in_order
from stagent.lib.processes.supervised_task import Watched
from stagent.lib.processes.supervisor import SUPERVISOR

LOOK_SEC = 0.5  # how soon a cancel is seen whose abort was lost
FETCH_AGAIN_SEC = 1.0
FETCHED_SEC = 5.0  # who fetches for so long has reached the database
CLOSE_SEC = 10.0  # for stopped runs to be handed back

log = logging.getLogger(__name__)


class Host:
    """Executes claimed runs on this machine."""

    def __init__(self, *, concurrency: int, pools: str = "") -> None:
        self.holder = holder_id("worker")
        self.executor = Executor(on_end=lambda: None)
        self._presence = ProcessHeartbeat(
            self.holder,
            claims=False,
            vitals=self.executor.vitals,
            concurrency=concurrency,
            pools=pools,
        )
        self._leaving = 0  # how often it was told to
        self._handing_back = False
        self._jumps = clock.JumpDetector()
        self._attendant = SUPERVISOR.thread("worker watch", self._attend, stuck_sec=90, logger=log)
        self._reporter = Reporter("worker", self.holder)
        self._outages = {
            step: Outage(log, step) for step in ("Showing the worker", "Reading the clock", "Reading cancels")
        }
        self._fetching_outage = Outage(log, "Fetching jobs from Procrastinate")
        self._fetching: asyncio.Task[None] | None = None
        self._detached: set[asyncio.Task[None]] = set()

    def shut_down(self) -> None:
        """Fetch no more and let runs finish within the grace; on a second call requeue them at once."""
        self._leaving += 1
        if self._fetching:
            self._fetching.cancel()
        if self._leaving > 1:
            self._hand_back()

    async def serve(
        self, fetch: Callable[["Host"], Coroutine[Any, Any, None]], *, once: bool = False
    ) -> None:
        """Fetch until shutdown; restart after a database outage."""
        self.executor.open()
        # Not before it could begin at once: another host may be ready.
        await asyncio.to_thread(preload_sdk)
        self._attendant.start()
        self._reporter.start()
        try:
            async with database_threads("wake-ups"):
                await self._fetch_until_told(fetch, once=once)
        finally:
            await asyncio.to_thread(self._close)

    async def _fetch_until_told(
        self, fetch: Callable[["Host"], Coroutine[Any, Any, None]], *, once: bool
    ) -> None:
        while not self._leaving:
            await self._fetch(fetch)
            if once:
                break
            if not self._leaving:
                await asyncio.sleep(FETCH_AGAIN_SEC)

    async def _fetch(self, fetch: Callable[["Host"], Coroutine[Any, Any, None]]) -> None:
        self._fetching = asyncio.create_task(fetch(self))
        done, _ = await asyncio.wait([self._fetching], timeout=FETCHED_SEC)
        if not done:
            self._fetching_outage.worked()
            await asyncio.wait([self._fetching])
        if self._fetching.cancelled():
            return
        self._fetching_outage.failed(self._fetching.exception() or RuntimeError("Procrastinate stopped."))

    # One run.

    async def perform(self, run_id: int, token: UUID, abort_reason: Callable[[], AbortReason | None]) -> None:
        """Execute a run until it ends or is stopped; what an abort means depends on its sender."""
        performing = asyncio.create_task(self._perform(run_id, token))
        while not performing.done():
            try:
                await asyncio.shield(performing)
            except asyncio.CancelledError:
                if abort_reason() == AbortReason.USER_REQUEST:
                    self._cancel(run_id)
                elif self._leaving:
                    self._hand_back()
                else:  # Procrastinate starts anew: the run goes on without a job
                    self._detached.add(performing)
                    performing.add_done_callback(self._detached.discard)
                    return

    async def _perform(self, run_id: int, token: UUID) -> None:
        settings = await db_sync_to_async(conf.load)
        claimed = await db_sync_to_async(self._adopt, run_id, token, settings)
        if claimed is None:
            return  # a late wake-up: the claim lapsed, or somebody was quicker
        job = self.executor.start(claimed, settings)
        if self._handing_back:
            self.executor.stop(job, Cause.SHUTDOWN)
        await asyncio.wrap_future(job.ended)

    def _adopt(self, run_id: int, token: UUID, settings: conf.Conf) -> Claim | None:
        now = clock.now()
        run = Run.objects.unadopted().filter(pk=run_id, token=token, lease_expires_at__gt=now).first()
        return adopt(run, holder=self.holder, now=now, conf=settings) if run else None

    def _cancel(self, run_id: int) -> None:
        for job in self._jobs_of(run_id):
            self.executor.stop(job, Cause.CANCELLED)

    def _jobs_of(self, run_id: int) -> list[Job]:
        return [job for job in self.executor.jobs if job.claim.run_id == run_id]

    def _hand_back(self) -> None:
        self._handing_back = True
        self.executor.stop_all(Cause.SHUTDOWN)

    # Beside them, on a thread of its own.

    def _attend(self, watched: Watched) -> None:
        """Write the heartbeat, and read from the database what concerns its runs."""
        steps = (self._presence.beat, self._watch_clock, self._heed_cancels)
        while True:
            for step, outage in zip(steps, self._outages.values(), strict=True):
                try:
                    step()
                except Exception as error:  # noqa: BLE001 - told by `failed`; the next look tries again
                    outage.failed(error)
                    connections.close_all()
                else:
                    outage.worked()
            watched.beat()
            if watched.stopping.wait(LOOK_SEC):
                break
        self._delete_heartbeat()
        connections.close_all()

    def _watch_clock(self) -> None:
        """Renew at once after a jump of the wall clock: the stored lease ends are wrong."""
        if self._jumps.jumped():
            self.executor.renewer.renew_now()

    def _heed_cancels(self) -> None:
        self.executor.stop_cancelled(self.holder)

    def _delete_heartbeat(self) -> None:
        try:
            self._presence.end()
        except Exception as error:  # noqa: BLE001 - whatever it is, leaving goes on
            log.warning("On leaving: %s", error)

    def _close(self) -> None:
        close_in_order(
            [
                ("queue the runs again", self._wait_for_jobs),
                ("end the process report", self._reporter.stop),
                ("end the worker watch", self._end_attendant),
                ("end the loop of the runs", self.executor.close),
            ]
        )

    def _wait_for_jobs(self) -> None:
        self._hand_back()
        for job in self.executor.jobs:
            job.ended.exception(timeout=CLOSE_SEC)

    def _end_attendant(self) -> None:
        self._attendant.stop()
        self._attendant.join(timeout=5)


async def fetch(host: Host, **options: Any) -> None:
    """Run a Procrastinate worker for a host until it is cancelled or loses the database."""
    assert isinstance(app.connector, DjangoConnector)
    with app.replace_connector(app.connector.get_worker_connector()):
        async with app.open_async():
            await app.run_worker_async(
                install_signal_handlers=False, additional_context={"host": host}, **options
            )
