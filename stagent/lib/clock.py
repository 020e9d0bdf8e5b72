"""One clock per comparison: the database's on PostgreSQL, this machine's on SQLite.

Hosts whose clocks differ agree on every lease, because each adds its measured offset from the
database's clock. A wall clock that jumps is noticed by comparing it with the monotonic one.
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
    """Return the moment by the clock that leases and due instants are compared with."""
    return datetime.now(UTC) + _offset.current()


@dataclass
class _Offset:
    """How far the database's clock is ahead of ours; zero on SQLite, which has no clock of its own."""

    value: timedelta = timedelta()
    sampled_at: float = float("-inf")
    gap: float | None = None  # of the wall clock and the monotonic one, when it was sampled
    lock: threading.Lock = field(default_factory=threading.Lock)

    def current(self) -> timedelta:
        if connection.vendor != "postgresql":
            return timedelta()
        old = time.monotonic() - self.sampled_at > RESAMPLE_SEC or self._stepped()
        if old and not _in_event_loop() and self.lock.acquire(blocking=False):
            try:
                self._sample()
            finally:
                self.lock.release()
        return self.value

    def _stepped(self) -> bool:
        """Whether our clock was set since the sample, which says nothing then."""
        return self.gap is not None and abs(time.time() - time.monotonic() - self.gap) > STEP_SEC

    def _sample(self) -> None:
        before = datetime.now(UTC)
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            theirs = cursor.fetchone()[0]
        after = datetime.now(UTC)
        self.value = theirs - (before + (after - before) / 2)
        self.sampled_at = time.monotonic()
        self.gap = after.timestamp() - self.sampled_at


def _in_event_loop() -> bool:
    """Whether a question to the database would keep an event loop waiting; what was last measured will do."""
    with suppress(RuntimeError):
        return asyncio.get_running_loop() is not None
    return False


_offset = _Offset()


class JumpDetector:
    """Tells when the wall clock moved otherwise than time did: a suspended machine, a stepped clock."""

    def __init__(self) -> None:
        self._gap = self._measure()

    def jumped(self) -> timedelta | None:
        """Return by how much the wall clock jumped since the last call, or None."""
        gap, before = self._measure(), self._gap
        self._gap = gap
        return timedelta(seconds=gap - before) if abs(gap - before) > JUMP_SEC else None

    @staticmethod
    def _measure() -> float:
        return time.time() - time.monotonic()
