"""How the process is while runs run: event-loop lag and resident memory, measured all the time."""

import asyncio
import threading
import time
from array import array
from collections import deque
from collections.abc import Callable, Sequence

import psutil

from stagent.lib.processes.supervised_task import Watched

SAMPLE_SEC = 0.1
WINDOW = 600  # samples of the last minute
MEMORY_EVERY = 5  # samples
MIB = 1024 * 1024


class RunMetrics:
    """The lag and memory samples taken while one run ran."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # sampled on the loop, read by the thread that settles the run
        self._lags_ms = array("f")
        self.peak_rss_mb: float | None = None

    def note(self, lag_ms: float, rss_mb: float) -> None:
        with self._lock:
            self._lags_ms.append(lag_ms)
            self.peak_rss_mb = max(self.peak_rss_mb or 0.0, rss_mb)

    @property
    def lag_p99_ms(self) -> float | None:
        with self._lock:
            lags_ms = self._lags_ms[:]
        return percentile(lags_ms, 99)


class Sampler:
    """Samples the loop it runs on; every open gauge hears of each sample."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._lock = threading.Lock()  # claims open gauges from the scheduler's thread
        self._recent: deque[float] = deque(maxlen=WINDOW)
        self._gauges: set[RunMetrics] = set()
        self.database_wait_p99_ms: Callable[[], float | None] = lambda: None  # the executor's, once it serves
        self.rss_mb = self._memory()

    def start_run(self) -> RunMetrics:
        gauge, rss_mb = RunMetrics(), self._memory()
        with self._lock:
            gauge.note(self._recent[-1] if self._recent else 0.0, rss_mb)
            self._gauges.add(gauge)
        return gauge

    def end_run(self, gauge: RunMetrics) -> None:
        with self._lock:
            self._gauges.discard(gauge)

    @property
    def lag_p99_ms(self) -> float | None:
        """Return the p99 over the last minute, in milliseconds."""
        with self._lock:
            recent = list(self._recent)
        return percentile(recent, 99)

    async def sample(self, watched: Watched) -> None:
        """Measure for ever: the lag is how much later than asked the loop woke us."""
        count = 0
        while True:
            asked = time.monotonic() + SAMPLE_SEC
            await asyncio.sleep(SAMPLE_SEC)
            woke = time.monotonic()
            if count % MEMORY_EVERY == 0:
                self.rss_mb = self._memory()
            count += 1
            self._note(max(0.0, (woke - asked) * 1000))
            watched.beat()

    def _note(self, lag_ms: float) -> None:
        with self._lock:
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
