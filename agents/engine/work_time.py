"""The time in which an agent works: a model call or a tool is under way. What a run's time limit counts.

It is added up in small pieces. A piece that is far longer than the pulse means that the whole process stood
still (stopped, or the machine asleep): that is not working time.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PULSE_SEC = 0.5  # how often whoever watches a working agent looks
LONGEST_PIECE_SEC = 4 * PULSE_SEC  # of a longer one only so much counts


class WorkTime:
    """Adds up seconds of one run, over its attempts; only for the thread of its event loop."""

    def __init__(self, before_ms: int = 0, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._worked = before_ms / 1000
        self._held = self._silent = 0.0
        self._under_way = 0
        self._asking = False
        self._monotonic = monotonic
        self._looked_at = monotonic()

    @contextmanager
    def model_call(self) -> Iterator[None]:
        """Count what is done within, and how long the model says nothing."""
        self.look()
        self._asking, self._silent = True, 0.0
        try:
            with self.tool_call():
                yield
        finally:
            self._asking = False

    @contextmanager
    def tool_call(self) -> Iterator[None]:
        """Count what is done within."""
        self.look()
        self._under_way += 1
        try:
            yield
        finally:
            self.look()
            self._under_way -= 1

    def record_event(self) -> None:
        """Note that the model has said something."""
        self._silent = 0.0

    def look(self) -> None:
        """Add what has passed since the last look."""
        moment = self._monotonic()
        piece = min(moment - self._looked_at, LONGEST_PIECE_SEC)
        self._looked_at = moment
        self._held += piece
        if self._under_way:
            self._worked += piece
            self._silent += piece

    @property
    def worked_sec(self) -> float:
        self.look()
        return self._worked

    @property
    def worked_ms(self) -> int:
        return round(self.worked_sec * 1000)

    @property
    def held_sec(self) -> float:
        """How long this attempt has had its slot, at work or not."""
        self.look()
        return self._held

    @property
    def silent_sec(self) -> float:
        """How long the model that is being asked has said nothing; 0 where none is asked."""
        self.look()
        return self._silent if self._asking else 0.0
