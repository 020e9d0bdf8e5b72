"""How the process is while runs run: event-loop lag and resident memory, measured all the time."""

import asyncio
import time
from array import array
from collections import deque
from collections.abc import Sequence

import psutil

SAMPLE_SEC = 0.1
WINDOW = 600  # samples of the last minute
MEMORY_EVERY = 5  # samples
MIB = 1024 * 1024


class Gauge:
    """The lag and memory samples taken while one run ran."""

    def __init__(self) -> None:
        self._lags_ms = array("f")
        self.peak_rss_mb: float | None = None

    def note(self, lag_ms: float, rss_mb: float) -> None:
        self._lags_ms.append(lag_ms)
        self.peak_rss_mb = max(self.peak_rss_mb or 0.0, rss_mb)

    @property
    def lag_p99_ms(self) -> float | None:
        return percentile(self._lags_ms, 99)


class Vitals:
    """Samples the loop it runs on; every open gauge hears of each sample."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._recent: deque[float] = deque(maxlen=WINDOW)
        self._gauges: set[Gauge] = set()
        self.ticked_at = time.monotonic()
        self.rss_mb = self._memory()

    def open_gauge(self) -> Gauge:
        gauge = Gauge()
        gauge.note(self._recent[-1] if self._recent else 0.0, self._memory())
        self._gauges.add(gauge)
        return gauge

    def close_gauge(self, gauge: Gauge) -> None:
        self._gauges.discard(gauge)

    @property
    def lag_p99_ms(self) -> float | None:
        """Return the p99 over the last minute, in milliseconds."""
        return percentile(list(self._recent), 99)

    async def sample(self) -> None:
        """Measure for ever: the lag is how much later than asked the loop woke us."""
        count = 0
        while True:
            asked = time.monotonic() + SAMPLE_SEC
            await asyncio.sleep(SAMPLE_SEC)
            self.ticked_at = time.monotonic()
            if count % MEMORY_EVERY == 0:
                self.rss_mb = self._memory()
            count += 1
            self._note(max(0.0, (self.ticked_at - asked) * 1000))

    def _note(self, lag_ms: float) -> None:
        self._recent.append(lag_ms)
        for gauge in self._gauges:
            gauge.note(lag_ms, self.rss_mb)

    def _memory(self) -> float:
        return self._process.memory_info().rss / MIB


def percentile(values: Sequence[float], share: int) -> float | None:
    """Return the value that `share` of a hundred do not exceed, by nearest rank; None without values."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, -(-share * len(ordered) // 100) - 1)]
