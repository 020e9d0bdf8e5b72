"""Renews the leases of this process's runs, from its own thread and connection.

It renews only while the event loop of the runs answers its pings. On that loop a guard stops a job before its
lease could expire unconfirmed, by the monotonic clock, because the wall clock can jump.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from django.db import close_old_connections, connections

from schedules import conf
from schedules.execution.run_task import Cause, Job
from schedules.transitions import renew
from stagent.lib import clock
from stagent.lib.processes import leases
from stagent.lib.processes.outage import Outage
from stagent.lib.processes.supervised_task import Watched
from stagent.lib.processes.supervisor import Supervisor

IDLE_SEC = 0.25

log = logging.getLogger(__name__)


class Renewer:
    """`jobs` returns the leased jobs; `stop` stops one with a cause, from any thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        jobs: Callable[[], list[Job]],
        stop: Callable[[Job, Cause], None],
        supervisor: Supervisor,
    ) -> None:
        self._loop = loop
        self._jobs = jobs
        self._stop_job = stop
        # On a dead network a renewal blocks for up to half a minute.
        self.thread = supervisor.thread("lease renewer", self._run, stuck_sec=45, logger=log)
        self._silence = Outage(log, "Renewing leases, while the loop of the runs is stuck,")
        self._now = threading.Event()
        self._responded_at = self._renewed_at = time.monotonic()

    def start(self) -> None:
        self._responded_at = time.monotonic()
        self.thread.start()

    def stop(self) -> None:
        self.thread.stop()
        self.thread.join(timeout=5)

    def renew_now(self) -> None:
        """Renew in the next round: after a clock jump the stored expiry times mean nothing."""
        self._now.set()

    def _run(self, watched: Watched) -> None:
        try:
            while not watched.stopping.wait(IDLE_SEC):
                self._ping_loop()
                self._renew_if_due(watched)
        finally:
            connections.close_all()

    def _ping_loop(self) -> None:
        """Schedule a callback on the loop; it runs only if the loop is alive."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._respond)

    def _respond(self) -> None:
        self._responded_at = time.monotonic()

    def _renew_if_due(self, watched: Watched) -> None:
        """Renew if it is due, and stop the jobs whose lease was lost."""
        # A job stopped for its lease belongs to the reaper, even if the lease could be renewed now.
        jobs = [job for job in self._jobs() if job.cause is not Cause.LEASE_LOST]
        if not jobs:
            watched.worked()  # nothing is leased
            return
        settings = jobs[0].conf
        if not self._now.is_set() and time.monotonic() - self._renewed_at < settings.renew_every_sec:
            watched.beat()
            return
        if leases.is_silent(self._responded_at, settings.lease_ttl_sec):
            watched.beat()
            self._silence.failed(
                TimeoutError(f"no callback for {time.monotonic() - self._responded_at:.0f} s")
            )
            return
        self._silence.worked()
        try:
            self._renew(jobs)
        except Exception as error:  # noqa: BLE001 - the next round tries again
            watched.failed(error)
            connections.close_all()
            return
        watched.worked()

    def _renew(self, jobs: list[Job]) -> None:
        asked_at = time.monotonic()
        close_old_connections()
        renewed = renew([job.claim.token for job in jobs], clock.now(), conf.load().lease_ttl)
        self._now.clear()
        self._renewed_at = asked_at
        for job in jobs:
            if job.claim.token in renewed:
                job.confirmed_at = asked_at
            else:
                self._stop_job(job, Cause.LEASE_LOST)

    async def guard(self, watched: Watched) -> None:
        """Stop the jobs whose lease could not be confirmed. Not on the thread: in a dead network it hangs."""
        while True:
            await asyncio.sleep(leases.GUARD_SEC)
            for job in self._jobs():
                if leases.must_stop(job.confirmed_at, job.conf.lease_ttl_sec):
                    job.stop(Cause.LEASE_LOST)
            watched.beat()
