"""The tooltips of the timeline."""

from datetime import datetime, timedelta

from schedules.forecast.forecast import OUTCOMES, ExpectedRun
from schedules.timeline.axis import Axis
from schedules.timeline.lanes import Level
from schedules.timeline.rows import TimelineCell
from stagent.lib.web.formatting import duration_text

MIN_WAIT = timedelta(seconds=1)


def bar_label(one: ExpectedRun, axis: Axis) -> str:
    """Describe when a firing is due, starts and ends, or why it does not run."""
    outcome = f", {OUTCOMES[one.outcome]}" if one.outcome in OUTCOMES else ""
    due, start, end = one.due_at, one.start_at, one.end_at
    if not (start and end):
        return f"{one.schedule.name}: {_day(due, axis)}{outcome}"
    if due < axis.since:
        return f"{one.schedule.name}: {_current_run(due, start, end, axis)}{outcome}"
    wait = start - due
    waits = f", waits {_length(wait)}, starts {_hour(start, axis)}" if wait >= MIN_WAIT else ""
    takes = f", takes {_length(end - start)}"
    return f"{one.schedule.name}: due {_day(due, axis)}{waits}{takes}{outcome}"


def cell_label(cell: TimelineCell, axis: Axis) -> str:
    names = f"{len(cell.schedules)} schedules" if len(cell.schedules) > 1 else next(iter(cell.schedules))
    parts = [
        f"{names}: {_day(cell.begins, axis)} to {_hour(cell.ends, axis)}, {_count(cell.firings, 'firing')}"
    ]
    parts.append(f"{duration_text(1000 * cell.work_sec)} of work")
    if cell.longest_wait_sec >= 1:
        parts.append(f"longest wait {duration_text(1000 * cell.longest_wait_sec)}")
    if cell.skipped:
        parts.append(f"{cell.skipped} not run")
    return ", ".join(parts)


def level_label(level: Level, axis: Axis) -> str:
    return (
        f"{_day(level.begins, axis)} to {_hour(level.ends, axis)}: "
        f"at most {level.running} running, {level.waiting} waiting"
    )


def period_label(axis: Axis) -> str:
    return f"{_day(axis.since, axis)} to {_day(axis.until, axis)}"


def _current_run(due: datetime, start: datetime, end: datetime, axis: Axis) -> str:
    ends = f"ends about {_hour(end, axis)}"
    if start == due:
        return f"running now, {ends}"
    wait = start - axis.since
    starts = f"in about {_length(wait)}" if wait >= MIN_WAIT else "any moment"
    return f"waiting now, starts {starts}, {ends}"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'s' * (number != 1)}"


def _length(length: timedelta) -> str:
    return duration_text(length / timedelta(milliseconds=1))


def _day(moment: datetime, axis: Axis) -> str:
    return f"{axis.local(moment):%a %H:%M}"


def _hour(moment: datetime, axis: Axis) -> str:
    return f"{axis.local(moment):%H:%M}"
