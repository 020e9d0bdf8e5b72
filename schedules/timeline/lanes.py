"""How many run and how many wait, through the hours: the highest in each stretch of ten minutes."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

from schedules.forecast.forecast import ExpectedRun, Forecast
from schedules.forecast.inputs import PlannedSchedule
from schedules.forecast.simulation import SimOutcome
from schedules.timeline.axis import Axis

STRETCH = timedelta(minutes=10)
MOST_PEAKS = 3
APART = timedelta(hours=6)  # two peaks nearer than this are one

type Stretches = tuple[list[float], list[float]]  # when each begins, and when each ends: both in order


@dataclass(frozen=True)
class Level:
    """A stretch of time in which at most so many ran and waited."""

    begins: datetime
    ends: datetime
    running: int
    waiting: int


def levels(forecast: Forecast, axis: Axis) -> list[Level]:
    """Return the stretches in order, equal neighbours as one."""
    every = [*forecast.present, *forecast.firings]
    count = -(-(axis.until - axis.since) // STRETCH)
    running = _highest(_runs(every), axis.since, count)
    waiting = _highest(_waits(every), axis.since, count)
    found = []
    for pair, group in groupby(range(count), key=lambda number: (running[number], waiting[number])):
        numbers = list(group)
        ends = min(axis.until, axis.since + STRETCH * (numbers[-1] + 1))
        found.append(Level(axis.since + STRETCH * numbers[0], ends, *pair))
    return found


def peaks(found: Sequence[Level]) -> list[Level]:
    """Return the stretches in which most wait, the worst first, none right beside another."""
    chosen: list[Level] = []
    for level in sorted(found, key=lambda level: (-level.waiting, level.begins)):
        if level.waiting and all(abs(level.begins - other.begins) >= APART for other in chosen):
            chosen.append(level)
    return chosen[:MOST_PEAKS]


def _runs(every: Iterable[ExpectedRun]) -> Stretches:
    found = [(start, end) for _, _, start, end, _ in every if start is not None and end is not None]
    return sorted([start for start, _ in found]), sorted([end for _, end in found])


def _waits(every: Iterable[ExpectedRun]) -> Stretches:
    late = [one for one in every if one[2] != one[1]]  # most start when they are due
    found = [(one[1], until) for one in late if (until := _waits_until(*one)) > one[1]]
    return sorted([due for due, _ in found]), sorted([until for _, until in found])


def _waits_until(
    schedule: PlannedSchedule, due: float, start: float | None, end: float | None, fate: SimOutcome
) -> float:
    """Return when it stops waiting: it starts, or nobody wants it any more, or it was skipped at once."""
    if start is not None:
        return start
    return due + schedule.plan.patience_sec if fate is SimOutcome.EXPIRED else due


def _highest(stretches: Stretches, since: datetime, count: int) -> list[int]:
    """Return the highest level of each stretch of the axis, the one it begins with included.

    Only what begins makes a level higher, and what ends at the same moment has ended before.
    """
    begins, ends = stretches
    start, length = since.astimezone(UTC).timestamp(), STRETCH.total_seconds()
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
