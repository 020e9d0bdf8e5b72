"""The rows of the timeline: one for each of the busiest schedules, one for all others."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from schedules.forecast.forecast import ExpectedRun, Forecast
from schedules.forecast.inputs import PlannedSchedule
from schedules.forecast.simulation import SimOutcome
from schedules.timeline.axis import Axis

MAX_ROWS = 20
MAX_BARS = 48  # in one row; with more, the row shows hours
type Owner = tuple[int | None, str]
SLOT_OUTCOMES = (SimOutcome.RUNS, SimOutcome.REPLACED)


@dataclass(slots=True)
class TimelineCell:
    """The totals of one hour of a row."""

    begins: datetime
    ends: datetime
    firings: int = 0
    skipped: int = 0
    work_sec: float = 0.0
    waited_sec: float = 0.0
    longest_wait_sec: float = 0.0
    schedules: set[str] = field(default_factory=set)

    @property
    def level(self) -> float:
        """Working time as a share of the hour; above 1 if runs overlap."""
        return self.work_sec / (self.ends - self.begins).total_seconds()

    @property
    def queue(self) -> float:
        """Waiting time as a share of the hour."""
        return self.waited_sec / (self.ends - self.begins).total_seconds()


@dataclass(frozen=True)
class TimelineRow:
    """A schedule with its upcoming runs as bars or hourly cells; no id means several schedules."""

    name: str
    schedule_id: int | None
    runs: int
    bars: Sequence[ExpectedRun] = ()
    cells: Sequence[TimelineCell] = ()
    others: int = 0  # schedules in the row besides the first


def rows(forecast: Forecast, axis: Axis, most: int = MAX_ROWS) -> list[TimelineRow]:
    """Return the schedules with the longest slot time, and the rest as one row."""
    runs_by_owner, slot_time = defaultdict[Owner, list[ExpectedRun]](list), defaultdict[Owner, float](float)
    for run in (*forecast.present, *forecast.firings):
        schedule = run[0]
        owner = schedule.schedule_id, schedule.name
        runs_by_owner[owner].append(run)
        slot_time[owner] += _slot_time_sec(*run)
    ranked = sorted(
        runs_by_owner.items(), key=lambda item: (-slot_time[item[0]], item[0][1], item[0][0] or 0)
    )
    kept = len(ranked) if len(ranked) <= most + 1 else most  # a rest of one gets its own row
    found = [_row(name, number, runs, axis) for (number, name), runs in ranked[:kept]]
    if rest := ranked[kept:]:
        every = [one for _, runs in rest for one in runs]
        name = f"{len(rest):,} other schedules"
        found.append(TimelineRow(name, None, _runs(every), cells=_cells(every, axis), others=len(rest) - 1))
    return found


def _row(name: str, number: int | None, runs: Sequence[ExpectedRun], axis: Axis) -> TimelineRow:
    if len(runs) > MAX_BARS:
        return TimelineRow(name, number, _runs(runs), cells=_cells(runs, axis))
    return TimelineRow(name, number, _runs(runs), bars=runs)


def _runs(runs: Iterable[ExpectedRun]) -> int:
    return sum(one.start is not None for one in runs)


def _slot_time_sec(
    schedule: PlannedSchedule, due: float, start: float | None, end: float | None, outcome: SimOutcome
) -> float:
    """Return the time it waits for and holds a slot; a firing without a run counts its expected duration."""
    return end - due if end is not None and outcome in SLOT_OUTCOMES else schedule.plan.takes_sec


def _cells(every: Iterable[ExpectedRun], axis: Axis) -> list[TimelineCell]:
    """Assign each firing to the hour in which it is due, and its run to the hours it spans."""
    cells = [TimelineCell(*edges) for edges in axis.cells]
    begins = [cell.begins.timestamp() for cell in cells]
    ends = [cell.ends.timestamp() for cell in cells]
    for schedule, due, start, end, _ in every:
        at = max(0, bisect_right(begins, due) - 1)
        cell = cells[at]
        cell.firings += 1
        cell.schedules.add(schedule.name)
        if start is None or end is None:
            cell.skipped += 1
            continue
        cell.longest_wait_sec = max(cell.longest_wait_sec, start - due)
        if begins[at] <= due <= start and end <= ends[at]:  # usual case: within one hour
            cell.waited_sec += start - due
            cell.work_sec += end - start
            continue
        for number in range(at, bisect_left(begins, end)):
            cell, since, until = cells[number], begins[number], ends[number]
            cell.schedules.add(schedule.name)
            if start > since:
                cell.waited_sec += max(0.0, min(start, until) - max(due, since))
            if start < until:
                cell.work_sec += max(0.0, min(end, until) - max(start, since))
    return [cell for cell in cells if cell.schedules]
