"""Keeps the leases of this process's runs, from a thread and a connection of its own.

It renews only while the loop of the runs runs the callbacks that this thread leaves with it. On that loop a
guard tells a job to stop before its lease could pass unconfirmed: measured with the monotonic clock, because
the wall clock may jump.
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

log = logging.getLogger("stagent.renewer")


class Renewer:
    """`jobs` returns what is leased now; `stop` tells a job why to stop, from any thread."""

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
        # A dead network keeps a renewal waiting for up to half a minute.
        self.thread = supervisor.thread("lease renewer", self._run, stuck_sec=45, logger=log)
        self._silence = Outage(log, "Renewing leases, while the loop of the runs is stuck,")
        self._now = threading.Event()
        self._heard_at = self._renewed_at = time.monotonic()

    def start(self) -> None:
        self._heard_at = time.monotonic()
        self.thread.start()

    def stop(self) -> None:
        self.thread.stop()
        self.thread.join(timeout=5)

    def renew_now(self) -> None:
        """Renew at the next glance: after a clock jump the stored ends mean nothing."""
        self._now.set()

    def _run(self, watched: Watched) -> None:
        try:
            while not watched.stopping.wait(IDLE_SEC):
                self._listen()
                self._glance(watched)
        finally:
            connections.close_all()

    def _listen(self) -> None:
        """Leave a callback with the loop: when it is run, the loop was alive."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._hear)

    def _hear(self) -> None:
        self._heard_at = time.monotonic()

    def _glance(self, watched: Watched) -> None:
        """Renew when it is time, and stop the jobs whose lease was lost."""
        # One that was told to stop for its lease is the reaper's, also where the lease could be had again.
        jobs = [job for job in self._jobs() if job.cause is not Cause.LEASE_LOST]
        if not jobs:
            watched.worked()  # what could not be renewed is not leased any more
            return
        settings = jobs[0].conf
        if not self._now.is_set() and time.monotonic() - self._renewed_at < settings.renew_every_sec:
            watched.beat()
            return
        if leases.is_silent(self._heard_at, settings.lease_ttl_sec):
            watched.beat()
            self._silence.failed(TimeoutError(f"no callback for {time.monotonic() - self._heard_at:.0f} s"))
            return
        self._silence.worked()
        try:
            self._renew(jobs)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next glance tries again
            watched.failed(error)
            connections.close_all()
            return
        watched.worked()

    def _renew(self, jobs: list[Job]) -> None:
        asked_at = time.monotonic()
        close_old_connections()
        kept = renew([job.claim.token for job in jobs], clock.now(), conf.load().lease_ttl)
        self._now.clear()
        self._renewed_at = asked_at
        for job in jobs:
            if job.claim.token in kept:
                job.confirmed_at = asked_at
            else:
                self._stop_job(job, Cause.LEASE_LOST)

    async def guard(self, watched: Watched) -> None:
        """Stop the jobs whose lease could not be confirmed. Not on the thread: in a dead network it hangs."""
        while True:
            await asyncio.sleep(leases.GUARD_SEC)
            for job in self._jobs():
                if leases.is_doubtful(job.confirmed_at, job.conf.lease_ttl_sec):
                    job.stop(Cause.LEASE_LOST)
            watched.beat()
