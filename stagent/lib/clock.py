"""One clock for comparisons: the database's on PostgreSQL, this machine's on SQLite.

Hosts whose clocks differ agree on every lease, because each adds its measured offset from the database's
clock. A jump of the wall clock is detected by comparing it with the monotonic clock.
"""

import asyncio
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import connection

RESAMPLE_SEC = 30.0
JUMP_SEC = 5.0
STEP_SEC = 0.5


def now() -> datetime:
    """Return the current time by the clock that leases and due instants use."""
    return datetime.now(UTC) + _offset.current()


@dataclass
class _Offset:
    """How far the database's clock is ahead of this machine's; zero on SQLite, which has no clock."""

    value: timedelta = timedelta()
    sampled_at: float = float("-inf")
    gap: float | None = None  # between wall clock and monotonic clock at the sample
    lock: threading.Lock = field(default_factory=threading.Lock)

    def current(self) -> timedelta:
        if connection.vendor != "postgresql":
            return timedelta()
        is_stale = time.monotonic() - self.sampled_at > RESAMPLE_SEC or self._clock_was_set()
        if is_stale and not _in_event_loop() and self.lock.acquire(blocking=False):
            try:
                self._sample()
            finally:
                self.lock.release()
        return self.value

    def _clock_was_set(self) -> bool:
        """Return whether this machine's clock was set after the sample, which makes the sample wrong."""
        return self.gap is not None and abs(time.time() - time.monotonic() - self.gap) > STEP_SEC

    def _sample(self) -> None:
        before = datetime.now(UTC)
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            database_now = cursor.fetchone()[0]
        after = datetime.now(UTC)
        self.value = database_now - (before + (after - before) / 2)
        self.sampled_at = time.monotonic()
        self.gap = after.timestamp() - self.sampled_at


def _in_event_loop() -> bool:
    """Return whether a query would block an event loop; the last sample is used there."""
    with suppress(RuntimeError):
        return asyncio.get_running_loop() is not None
    return False


_offset = _Offset()


class JumpDetector:
    """Detects that the wall clock jumped: the machine was suspended, or its clock was set."""

    def __init__(self) -> None:
        self._gap = self._measure()

    def jumped(self) -> timedelta | None:
        """Return how far the wall clock jumped since the last call, or None."""
        gap, before = self._measure(), self._gap
        self._gap = gap
        return timedelta(seconds=gap - before) if abs(gap - before) > JUMP_SEC else None

    @staticmethod
    def _measure() -> float:
        return time.time() - time.monotonic()
