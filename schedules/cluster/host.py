"""One worker process: Procrastinate fetches the wake-ups, the executor performs the runs.

It is the same executor as a scheduler's own, on a loop and with a renewer of its own, so a run neither
notices who woke it nor depends on how Procrastinate is: when that loses the database and starts anew,
the runs go on under their leases.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

from django.db import connections
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.job_context import AbortReason

from agents.bridge import in_database
from agents.runtimes import warm_up
from schedules import conf
from schedules.executor import Executor
from schedules.models import Run
from schedules.presence import Presence
from schedules.transitions import Claim, adopt
from schedules.worker import Cause, Job
from stagent.lib import clock
from stagent.lib.holder import holder

LOOK_SEC = 0.5  # how soon a cancel is seen whose abort was lost
FETCH_AGAIN_SEC = 1.0
CLOSE_SEC = 10.0  # for stopped runs to be handed back

log = logging.getLogger("stagent.host")


class Host:
    """Performs, on this machine, what schedulers hand over."""

    def __init__(self, *, concurrency: int, pools: str = "") -> None:
        self.holder = holder("worker")
        self.executor = Executor(on_end=lambda: None)
        self._presence = Presence(
            self.holder,
            claims=False,
            vitals=self.executor.vitals,
            concurrency=concurrency,
            pools=pools,
        )
        self._leaving = 0  # how often it was told to
        self._handing_back = False
        self._jumps = clock.JumpDetector()
        self._closed = threading.Event()
        self._attendant = threading.Thread(target=self._attend, name="attendant", daemon=True)
        self._fetching: asyncio.Task[None] | None = None
        self._detached: set[asyncio.Task[None]] = set()

    def leave(self) -> None:
        """Fetch no more, and let runs finish within the grace; told twice, hand them back at once."""
        self._leaving += 1
        if self._fetching:
            self._fetching.cancel()
        if self._leaving > 1:
            self._hand_back()

    async def serve(
        self, fetch: Callable[["Host"], Coroutine[Any, Any, None]], *, once: bool = False
    ) -> None:
        """Fetch until told to leave, again and again where the database went away."""
        self.executor.open()
        # Not before it could begin at once: another host may be ready.
        await asyncio.to_thread(warm_up)
        self._attendant.start()
        try:
            while not self._leaving:
                await self._fetch(fetch)
                if once:
                    break
                if not self._leaving:
                    log.warning("Procrastinate stopped; it fetches again in %.0f s.", FETCH_AGAIN_SEC)
                    await asyncio.sleep(FETCH_AGAIN_SEC)
        finally:
            await asyncio.to_thread(self._close)

    async def _fetch(self, fetch: Callable[["Host"], Coroutine[Any, Any, None]]) -> None:
        self._fetching = asyncio.create_task(fetch(self))
        await asyncio.wait([self._fetching])
        if not self._fetching.cancelled() and (error := self._fetching.exception()):
            log.warning("Procrastinate lost the database: %s", error)

    # One run.

    async def perform(self, run_id: int, token: UUID, abort_reason: Callable[[], AbortReason | None]) -> None:
        """Perform a run, to its end or until it is stopped; what an abort means depends on who asked."""
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
        settings = await in_database(conf.load)
        claimed = await in_database(self._adopt, run_id, token, settings)
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

    def _attend(self) -> None:
        """Show that the process is alive, and see what in the database concerns its runs."""
        while True:
            for look in (self._presence.show, self._watch_clock, self._heed_cancels):
                try:
                    look()
                except Exception as error:  # noqa: BLE001 - whatever it is, the next look tries again
                    log.warning("The database did not answer (%s); tried again at once.", error)
                    connections.close_all()
            if self._closed.wait(LOOK_SEC):
                break
        self._say_goodbye()
        connections.close_all()

    def _watch_clock(self) -> None:
        """After a jump of the wall clock the stored ends of the leases mean nothing."""
        if self._jumps.jumped():
            self.executor.renewer.renew_now()

    def _heed_cancels(self) -> None:
        self.executor.heed_cancels(self.holder)

    def _say_goodbye(self) -> None:
        try:
            self._presence.end()
        except Exception as error:  # noqa: BLE001 - whatever it is, leaving goes on
            log.warning("On leaving: %s", error)

    def _close(self) -> None:
        self._hand_back()
        for job in self.executor.jobs:
            job.ended.exception(timeout=CLOSE_SEC)
        self._closed.set()
        self._attendant.join(timeout=5)
        self.executor.close()


async def fetch(host: Host, **options: Any) -> None:
    """Run a worker of Procrastinate for a host, until it is cancelled or loses the database."""
    assert isinstance(app.connector, DjangoConnector)
    with app.replace_connector(app.connector.get_worker_connector()):
        async with app.open_async():
            await app.run_worker_async(
                install_signal_handlers=False, additional_context={"host": host}, **options
            )
