"""Measures working time: a model call or tool is under way. A run's time limit counts it.

It is summed in small steps. A step far longer than the interval means that the whole process was stopped or
the machine asleep, which is not working time.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MEASURE_SEC = 0.5  # interval of the measurement while an agent works
LONGEST_STEP_SEC = 4 * MEASURE_SEC  # a longer step counts as this much


class WorkTime:
    """Sums the seconds of one run over its attempts. Use it on its event loop only."""

    def __init__(self, before_ms: int = 0, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._worked = before_ms / 1000
        self._held = self._silent = 0.0
        self._under_way = 0
        self._asking = False
        self._monotonic = monotonic
        self._measured_at = monotonic()

    @contextmanager
    def model_call(self) -> Iterator[None]:
        """Count the time inside, and how long the model is silent."""
        self.measure()
        self._asking, self._silent = True, 0.0
        try:
            with self.tool_call():
                yield
        finally:
            self._asking = False

    @contextmanager
    def tool_call(self) -> Iterator[None]:
        """Count the time inside."""
        self.measure()
        self._under_way += 1
        try:
            yield
        finally:
            self.measure()
            self._under_way -= 1

    def record_event(self) -> None:
        """Record that the model has sent something."""
        self._silent = 0.0

    def measure(self) -> None:
        """Add the time since the last measurement."""
        moment = self._monotonic()
        step = min(moment - self._measured_at, LONGEST_STEP_SEC)
        self._measured_at = moment
        self._held += step
        if self._under_way:
            self._worked += step
            self._silent += step

    @property
    def worked_sec(self) -> float:
        self.measure()
        return self._worked

    @property
    def worked_ms(self) -> int:
        return round(self.worked_sec * 1000)

    @property
    def held_sec(self) -> float:
        """Seconds for which this attempt has held its slot."""
        self.measure()
        return self._held

    @property
    def silent_sec(self) -> float:
        """Seconds since the called model sent something; 0 if no call is under way."""
        self.measure()
        return self._silent if self._asking else 0.0
