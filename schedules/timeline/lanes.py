"""How many run and how many wait, through the hours: the highest in each stretch of ten minutes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise

from schedules.forecast import Expected, Forecast
from schedules.simulation import Fate
from schedules.timeline.axis import Axis

STRETCH = timedelta(minutes=10)
MOST_PEAKS = 3
APART = timedelta(hours=6)  # two peaks nearer than this are one

type Change = tuple[float, int]  # at which second, by how many


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


def _runs(every: Iterable[Expected]) -> list[Change]:
    stretches = [(one.start_at, one.end_at) for one in every if one.start_at and one.end_at]
    return _changes(stretches)


def _waits(every: Iterable[Expected]) -> list[Change]:
    return _changes([(one.due_at, until) for one in every if (until := _waits_until(one)) > one.due_at])


def _waits_until(one: Expected) -> datetime:
    """Return when it stops waiting: it starts, or nobody wants it any more, or it was skipped at once."""
    if one.start_at:
        return one.start_at
    patience = one.schedule.plan.patience_sec
    return one.due_at + timedelta(seconds=patience) if one.fate == Fate.EXPIRED else one.due_at


def _changes(stretches: Iterable[tuple[datetime, datetime]]) -> list[Change]:
    changes = []
    for begins, ends in stretches:
        changes += [(begins.timestamp(), 1), (ends.timestamp(), -1)]
    return sorted(changes)


def _highest(changes: Sequence[Change], since: datetime, count: int) -> list[int]:
    """Return the highest level of each stretch, the one it begins with included."""
    begin, length = since.astimezone(UTC).timestamp(), STRETCH.total_seconds()
    edges = [begin + number * length for number in range(count + 1)]
    level = at = 0
    highest = []
    for start, end in pairwise(edges):
        while at < len(changes) and changes[at][0] <= start:
            level, at = level + changes[at][1], at + 1
        most = level
        while at < len(changes) and changes[at][0] < end:
            level, at = level + changes[at][1], at + 1
            most = max(most, level)
        highest.append(most)
    return highest
