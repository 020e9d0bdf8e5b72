"""A run's time limit: it stops after this much working time over all its attempts.

The worker enforces it. The reaper is only the safety net, for a worker that renews its lease but does not end
the run.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from agents.engine.work_time import MEASURE_INTERVAL_SEC, WorkTime
from agents.errors import LeaseLost
from agents.models import Profile
from agents.runtimes.failure_classifier import Failure, describe
from agents.states import FailureKind
from schedules.execution import outcome
from schedules.execution.outcome import Worked
from schedules.transitions import Claim
from stagent.lib.db.async_db import db_sync_to_async

NOTE_EVERY_SEC = 15.0  # of a long call: so much is forgotten at most if the process dies
SILENT_SEC = 30.0  # of the model as its time runs out: the provider is to blame, not the work
SILENT_SHARE = 0.5  # of the limit, where that is less
LONGEST_HOLD = 2  # times the limit: how long a run may have its slot …
HOLD_ROOM_SEC = 600  # … and so much more, before the safety net may have it

log = logging.getLogger(__name__)


@dataclass
class OutOfTime(Exception):
    """The run has used its working time."""

    failure: Failure
    profile: Profile


class RunTime:
    """Measures the working time of one run in this attempt."""

    def __init__(self, claim: Claim, work_time: WorkTime, limit: timedelta) -> None:
        self._claim, self._time = claim, work_time
        self._limit_sec = limit.total_seconds()
        self._silent_sec = 0.0  # of the model, when time ran out

    def worked(self) -> Worked:
        """Return what is stored."""
        return Worked(self._time.worked_ms, timedelta(seconds=max(0.0, self._left)))

    @asynccontextmanager
    async def limited(self, profile: Profile) -> AsyncIterator[None]:
        """Run the block until the working time is used up, then raise OutOfTime."""
        timeout = asyncio.timeout(None)
        try:
            async with timeout:
                watch = asyncio.create_task(self._watch(timeout))
                try:
                    yield
                finally:
                    watch.cancel()
        except TimeoutError:
            if not timeout.expired():  # somebody else's
                raise
            raise OutOfTime(self._failure(), profile) from None

    @property
    def _left(self) -> float:
        return self._limit_sec - self._time.worked_sec

    @property
    def _exceeds_slot_time(self) -> bool:
        return self._time.held_sec > LONGEST_HOLD * self._limit_sec + HOLD_ROOM_SEC

    async def _watch(self, end: asyncio.Timeout) -> None:
        noted = self._time.held_sec
        while (left := self._left) > 0:
            await asyncio.sleep(min(MEASURE_INTERVAL_SEC, left))
            if self._time.held_sec - noted >= NOTE_EVERY_SEC and not self._exceeds_slot_time:
                noted = self._time.held_sec
                await self._save()
        self._silent_sec = self._time.silent_sec
        end.reschedule(asyncio.get_running_loop().time())

    async def _save(self) -> None:
        try:
            await db_sync_to_async(outcome.record_time, self._claim, self.worked())
        except LeaseLost:
            pass  # the renewer tells, or a statement of the run itself
        except Exception as error:  # noqa: BLE001 - the database is away: the next note says it all
            log.warning("How long run %s has worked could not be written: %s", self._claim.run_id, error)

    def _failure(self) -> Failure:
        silent = self._silent_sec >= min(SILENT_SEC, SILENT_SHARE * self._limit_sec)
        kind = FailureKind.SILENT_AT_LIMIT if silent else FailureKind.TIME_LIMIT
        said = f"{self._limit_sec:.0f} s" + (f", silent for {self._silent_sec:.0f} s" if silent else "")
        return Failure(kind, describe(kind, said))
