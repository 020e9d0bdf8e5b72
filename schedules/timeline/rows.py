"""The schedules downwards: the busiest with a row each, all others together in the last."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schedules.forecast import Expected, Forecast
from schedules.simulation import Fate
from schedules.timeline.axis import Axis

MOST_ROWS = 20
MOST_BARS = 48  # in one row; more are drawn hour by hour
NONE = timedelta()


@dataclass
class Cell:
    """What one hour of a row adds up to."""

    begins: datetime
    ends: datetime
    firings: int = 0
    skipped: int = 0
    work: timedelta = NONE
    waited: timedelta = NONE
    longest_wait_sec: float = 0.0
    schedules: set[str] = field(default_factory=set)

    @property
    def level(self) -> float:
        """Return how much of the hour is worked; with many schedules it may be more than one hour."""
        return self.work / (self.ends - self.begins)

    @property
    def queue(self) -> float:
        """Return how much of the hour is waited."""
        return self.waited / (self.ends - self.begins)

    def count(self, one: Expected) -> None:
        """Count a firing that comes due in this hour."""
        self.firings += 1
        self.schedules.add(one.schedule.name)
        self.longest_wait_sec = max(self.longest_wait_sec, one.wait_sec)
        self.skipped += one.start_at is None

    def share(self, one: Expected) -> None:
        """Add up what of a run and of its wait falls into this hour."""
        if one.start_at and one.end_at:
            self.schedules.add(one.schedule.name)
            self.waited += self._overlap(one.due_at, one.start_at)
            self.work += self._overlap(one.start_at, one.end_at)

    def _overlap(self, begins: datetime, ends: datetime) -> timedelta:
        return max(NONE, min(ends, self.ends) - max(begins, self.begins))


@dataclass(frozen=True)
class Row:
    """A schedule with its runs to come, one by one or hour by hour; without a number, many schedules."""

    name: str
    schedule_id: int | None
    runs: int
    bars: Sequence[Expected] = ()
    cells: Sequence[Cell] = ()
    others: int = 0  # how many schedules it stands for beside the first


def rows(forecast: Forecast, axis: Axis, most: int = MOST_ROWS) -> list[Row]:
    """Return the busiest schedules, those that hold or want slots longest, and the rest as one."""
    owned = defaultdict[tuple[int | None, str], list[Expected]](list)
    for one in (*forecast.present, *forecast.firings):
        owned[one.schedule.schedule_id, one.schedule.name].append(one)
    ranked = sorted(owned.items(), key=lambda item: (-_wanted_sec(item[1]), item[0][1], item[0][0] or 0))
    kept = len(ranked) if len(ranked) <= most + 1 else most  # a rest of one is that schedule itself
    found = [_row(name, number, mine, axis) for (number, name), mine in ranked[:kept]]
    if rest := ranked[kept:]:
        every = [one for _, mine in rest for one in mine]
        name = f"{len(rest):,} other schedules"
        found.append(Row(name, None, _runs(every), cells=_cells(every, axis), others=len(rest) - 1))
    return found


def _row(name: str, number: int | None, mine: Sequence[Expected], axis: Axis) -> Row:
    if len(mine) > MOST_BARS:
        return Row(name, number, _runs(mine), cells=_cells(mine, axis))
    return Row(name, number, _runs(mine), bars=mine)


def _runs(mine: Iterable[Expected]) -> int:
    return sum(one.start_at is not None for one in mine)


def _wanted_sec(mine: Iterable[Expected]) -> float:
    """Return how long runs hold slots and wait for them; what never runs counts as long as it would take."""
    return sum(
        (one.end_at - one.due_at).total_seconds()
        if one.end_at and one.fate in (Fate.RUNS, Fate.REPLACED)
        else one.schedule.plan.takes_sec
        for one in mine
    )


def _cells(every: Iterable[Expected], axis: Axis) -> list[Cell]:
    """Put each firing into the hour in which it comes due, and its run into those it takes."""
    cells = [Cell(*edges) for edges in axis.cells]
    begins = [cell.begins for cell in cells]
    for one in every:
        at = max(0, bisect_right(begins, one.due_at) - 1)
        cells[at].count(one)
        until = bisect_left(begins, one.end_at) if one.end_at else at
        for cell in cells[at:until]:
            cell.share(one)
    return [cell for cell in cells if cell.schedules]
