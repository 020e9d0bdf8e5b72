"""Measures event-loop lag and resident memory of the process, for its runs and its status."""

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
    """The lag and memory samples of one run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # sampled on the loop, read by the thread that ends the run
        self._lags_ms = array("f")
        self.peak_rss_mb: float | None = None

    def record(self, lag_ms: float, rss_mb: float) -> None:
        with self._lock:
            self._lags_ms.append(lag_ms)
            self.peak_rss_mb = max(self.peak_rss_mb or 0.0, rss_mb)

    @property
    def lag_p99_ms(self) -> float | None:
        with self._lock:
            lags_ms = self._lags_ms[:]
        return percentile(lags_ms, 99)


class Sampler:
    """Samples the loop it runs on; each open run gets every sample."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._lock = threading.Lock()  # claims start runs from the scheduler's thread
        self._recent: deque[float] = deque(maxlen=WINDOW)
        self._runs: set[RunMetrics] = set()
        self.database_wait_p99_ms: Callable[[], float | None] = lambda: None  # set by the executor
        self.rss_mb = self._resident_mb()

    def start_run(self) -> RunMetrics:
        run, rss_mb = RunMetrics(), self._resident_mb()
        with self._lock:
            run.record(self._recent[-1] if self._recent else 0.0, rss_mb)
            self._runs.add(run)
        return run

    def end_run(self, run: RunMetrics) -> None:
        with self._lock:
            self._runs.discard(run)

    @property
    def lag_p99_ms(self) -> float | None:
        """Return the p99 over the last minute, in milliseconds."""
        with self._lock:
            recent = list(self._recent)
        return percentile(recent, 99)

    async def sample(self, watched: Watched) -> None:
        """Sample until cancelled: the lag is how much later than requested the loop woke this task."""
        count = 0
        while True:
            expected_at = time.monotonic() + SAMPLE_SEC
            await asyncio.sleep(SAMPLE_SEC)
            woke_at = time.monotonic()
            if count % MEMORY_EVERY == 0:
                self.rss_mb = self._resident_mb()
            count += 1
            self._record(max(0.0, (woke_at - expected_at) * 1000))
            watched.beat()

    def _record(self, lag_ms: float) -> None:
        with self._lock:
            self._recent.append(lag_ms)
            for run in self._runs:
                run.record(lag_ms, self.rss_mb)

    def _resident_mb(self) -> float:
        return self._process.memory_info().rss / MIB


def percentile(values: Sequence[float], share: int) -> float | None:
    """Return the value that `share` percent do not exceed, by nearest rank; None without values."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, -(-share * len(ordered) // 100) - 1)]
