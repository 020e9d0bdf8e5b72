"""The highest numbers of running and waiting runs in each ten minutes."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

from schedules.forecast.forecast import ExpectedRun, Forecast
from schedules.forecast.inputs import PlannedSchedule
from schedules.forecast.simulation import SimOutcome
from schedules.timeline.axis import Axis

PERIOD = timedelta(minutes=10)
MAX_PEAKS = 3
MIN_PEAK_DISTANCE = timedelta(hours=6)  # peaks closer than this count as one

type Intervals = tuple[list[float], list[float]]  # starts and ends, each sorted


@dataclass(frozen=True)
class Level:
    """A period with its highest numbers of running and waiting runs."""

    begins: datetime
    ends: datetime
    running: int
    waiting: int


def levels(forecast: Forecast, axis: Axis) -> list[Level]:
    """Return the levels in order; equal neighbours are merged."""
    runs = [*forecast.present, *forecast.firings]
    count = -(-(axis.until - axis.since) // PERIOD)
    running = _highest(_runs(runs), axis.since, count)
    waiting = _highest(_waits(runs), axis.since, count)
    found = []
    for pair, group in groupby(range(count), key=lambda number: (running[number], waiting[number])):
        numbers = list(group)
        ends = min(axis.until, axis.since + PERIOD * (numbers[-1] + 1))
        found.append(Level(axis.since + PERIOD * numbers[0], ends, *pair))
    return found


def peaks(found: Sequence[Level]) -> list[Level]:
    """Return the highest waiting levels, worst first, at least `MIN_PEAK_DISTANCE` from each other."""
    chosen: list[Level] = []
    for level in sorted(found, key=lambda level: (-level.waiting, level.begins)):
        if level.waiting and all(abs(level.begins - other.begins) >= MIN_PEAK_DISTANCE for other in chosen):
            chosen.append(level)
    return chosen[:MAX_PEAKS]


def _runs(runs: Iterable[ExpectedRun]) -> Intervals:
    found = [(start, end) for _, _, start, end, _ in runs if start is not None and end is not None]
    return sorted([start for start, _ in found]), sorted([end for _, end in found])


def _waits(runs: Iterable[ExpectedRun]) -> Intervals:
    late = [one for one in runs if one[2] != one[1]]  # most start when they are due
    found = [(one[1], until) for one in late if (until := _waits_until(*one)) > one[1]]
    return sorted([due for due, _ in found]), sorted([until for _, until in found])


def _waits_until(
    schedule: PlannedSchedule, due: float, start: float | None, end: float | None, outcome: SimOutcome
) -> float:
    """Return when the wait ends: at the start, at expiry, or at once if skipped."""
    if start is not None:
        return start
    return due + schedule.plan.patience_sec if outcome is SimOutcome.EXPIRED else due


def _highest(intervals: Intervals, since: datetime, count: int) -> list[int]:
    """Return the highest level of each period, including the level it starts with.

    Only a start raises the level; an end at the same moment counts first.
    """
    begins, ends = intervals
    start, length = since.astimezone(UTC).timestamp(), PERIOD.total_seconds()
    begun, ended = bisect_right(begins, start), bisect_right(ends, start)
    highest = []
    for number in range(count):
        most, until = begun - ended, start + (number + 1) * length
        while begun < len(begins) and (begin := begins[begun]) < until:
            while ended < len(ends) and ends[ended] <= begin:
                ended += 1
            begun += 1
            most = max(most, begun - ended)
        highest.append(most)
        begun = bisect_right(begins, until, begun)
        ended = bisect_right(ends, until, ended)
    return highest
