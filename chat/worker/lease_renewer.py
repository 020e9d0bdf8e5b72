"""Renews the leases of an event loop's replies, on that loop: a loop that is stuck renews nothing.

A second task, the guard, stops replies whose lease could not be confirmed, however long a renewal hangs.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

from chat import conf
from chat.transitions import renew
from chat.worker.reply_task import Cause, Job
from stagent.lib import clock
from stagent.lib.db.async_db import db_sync_to_async, prioritised
from stagent.lib.processes import leases
from stagent.lib.processes.supervised_task import Watched
from stagent.lib.processes.thread_pool import Priority


class Renewer:
    """`jobs` returns the jobs under way."""

    def __init__(self, jobs: Callable[[], list[Job]]) -> None:
        self._jobs = jobs
        self._round = asyncio.Event()

    async def next_round(self) -> None:
        """Wait for the end of the next renewal, successful or not."""
        self._round.clear()
        await self._round.wait()

    async def renew(self, watched: Watched) -> None:
        """Renew at every quarter of the leases' time to live."""
        while True:
            ttl = conf.lease_ttl()
            try:
                async with asyncio.timeout(ttl.total_seconds() * leases.RENEW_SHARE):
                    await self._renew(ttl)
            except Exception as error:  # noqa: BLE001 - `failed` logs it; the guard stops unconfirmed jobs
                watched.failed(error)
            else:
                watched.worked()
            self._round.set()
            await asyncio.sleep(ttl.total_seconds() * leases.RENEW_SHARE)

    async def _renew(self, ttl: timedelta) -> None:
        """Renew all leases and stop the jobs whose lease is lost."""
        jobs = {job.claim.token: job for job in self._jobs()}
        if not jobs:
            return
        asked_at = time.monotonic()
        with prioritised(Priority.URGENT):
            renewed = await db_sync_to_async(lambda: renew(list(jobs), clock.now(), ttl))
        for token, job in jobs.items():
            if token in renewed:
                job.confirmed_at = asked_at
            else:
                job.stop(Cause.LEASE_LOST)

    async def guard(self, watched: Watched) -> None:
        """Stop jobs whose lease is unconfirmed for too long."""
        while True:
            await asyncio.sleep(leases.GUARD_SEC)
            ttl_sec = conf.lease_ttl().total_seconds()
            for job in self._jobs():
                if leases.must_stop(job.confirmed_at, ttl_sec):
                    job.stop(Cause.LEASE_LOST)
            watched.beat()
