"""Measures working time: while a model call or tool call is open. A run's time limit counts it.

It is summed in small steps. A step far longer than the interval means that the process was stopped or the
machine asleep, which is not working time.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MEASURE_INTERVAL_SEC = 0.5  # interval of the measurement while an agent works
MAX_STEP_SEC = 4 * MEASURE_INTERVAL_SEC  # a longer step counts as this much


class WorkTime:
    """Sums the working seconds of one run over its attempts. Use it on its event loop only."""

    def __init__(self, before_ms: int = 0, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._worked_sec = before_ms / 1000
        self._held_sec = self._silent_sec = 0.0
        self._open_calls = 0
        self._in_model_call = False
        self._monotonic = monotonic
        self._measured_at = monotonic()

    @contextmanager
    def model_call(self) -> Iterator[None]:
        """Count the time inside, and how long the model is silent."""
        self.measure()
        self._in_model_call, self._silent_sec = True, 0.0
        try:
            with self.tool_call():
                yield
        finally:
            self._in_model_call = False

    @contextmanager
    def tool_call(self) -> Iterator[None]:
        """Count the time inside."""
        self.measure()
        self._open_calls += 1
        try:
            yield
        finally:
            self.measure()
            self._open_calls -= 1

    def record_event(self) -> None:
        """Record that the model has sent something."""
        self._silent_sec = 0.0

    def measure(self) -> None:
        """Add the time since the last measurement."""
        now = self._monotonic()
        step = min(now - self._measured_at, MAX_STEP_SEC)
        self._measured_at = now
        self._held_sec += step
        if self._open_calls:
            self._worked_sec += step
            self._silent_sec += step

    @property
    def worked_sec(self) -> float:
        self.measure()
        return self._worked_sec

    @property
    def worked_ms(self) -> int:
        return round(self.worked_sec * 1000)

    @property
    def held_sec(self) -> float:
        """Seconds for which this attempt has held its slot."""
        self.measure()
        return self._held_sec

    @property
    def silent_sec(self) -> float:
        """Seconds since the model sent something; 0 if no model call is open."""
        self.measure()
        return self._silent_sec if self._in_model_call else 0.0
