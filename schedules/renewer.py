"""Keeps the leases of this process's runs, from a thread and a connection of its own.

It renews only while the loop of the runs is alive. On that loop its guard tells a job to stop before its
lease could pass unconfirmed: measured with the monotonic clock, because the wall clock may jump.
"""

import asyncio
import logging
import threading
import time
from typing import TYPE_CHECKING

from django.db import close_old_connections, connections

from schedules import conf
from schedules.transitions import renew
from schedules.worker import Cause, Job
from stagent.lib import clock

if TYPE_CHECKING:
    from schedules.executor import Executor

LOOP_DEAD_SHARE = 0.5  # of the TTL: a loop silent for longer does not get its leases renewed
STOP_SHARE = 0.8  # of the TTL: unconfirmed for longer, a job stops itself
IDLE_SEC = 0.25

log = logging.getLogger("stagent.renewer")


class Renewer:
    def __init__(self, executor: "Executor") -> None:
        self._executor = executor
        self._thread = threading.Thread(target=self._run, name="renewer", daemon=True)
        self._stopping = threading.Event()
        self._now = threading.Event()
        self._renewed_at = time.monotonic()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=5)

    def renew_now(self) -> None:
        """Renew at the next glance: after a clock jump the stored ends mean nothing."""
        self._now.set()

    def _run(self) -> None:
        try:
            while not self._stopping.wait(IDLE_SEC):
                self._glance()
        finally:
            connections.close_all()

    def _glance(self) -> None:
        """Renew when it is time, and stop the jobs whose lease was lost."""
        jobs = self._executor.jobs
        if not jobs:
            return
        settings = jobs[0].conf
        if self._now.is_set() or time.monotonic() - self._renewed_at >= settings.renew_every_sec:
            self._now.clear()
            self._renew(jobs)

    async def guard(self) -> None:
        """Stop the jobs whose lease could not be confirmed. Not on the thread: in a dead network it hangs."""
        while True:
            await asyncio.sleep(IDLE_SEC)
            for job in self._executor.jobs:
                if time.monotonic() - job.confirmed_at > STOP_SHARE * job.conf.lease_ttl_sec:
                    job.stop(Cause.LEASE_LOST)

    def _renew(self, jobs: list[Job]) -> None:
        if time.monotonic() - self._executor.vitals.ticked_at > LOOP_DEAD_SHARE * jobs[0].conf.lease_ttl_sec:
            log.error("The loop of the runs is stuck; their leases are not renewed.")
            return
        asked_at = time.monotonic()
        try:
            close_old_connections()
            kept = renew([job.claim.token for job in jobs], clock.now(), conf.load().lease_ttl)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next glance tries again
            log.warning("Leases could not be renewed (%s); tried again at once.", error)
            return
        self._renewed_at = asked_at
        for job in jobs:
            if job.claim.token in kept:
                job.confirmed_at = asked_at
            else:
                self._executor.stop(job, Cause.LEASE_LOST)
