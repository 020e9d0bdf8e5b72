"""The active hours of a heartbeat, in its own time zone."""

from datetime import UTC, datetime, time, timedelta
from typing import Protocol

from schedules.states import ScheduleKind
from schedules.timing.timezones import zone


class HasActiveHours(Protocol):
    """A schedule, or a row with these columns."""

    @property
    def kind(self) -> str: ...
    @property
    def timezone(self) -> str: ...
    @property
    def active_from(self) -> time | None: ...
    @property
    def active_until(self) -> time | None: ...


def has_quiet_hours(schedule: HasActiveHours) -> bool:
    """Return whether there are hours in which it does not fire; only heartbeats have them."""
    bounded = schedule.active_from is not None and schedule.active_until is not None
    return bounded and schedule.kind == ScheduleKind.HEARTBEAT


def is_quiet(schedule: HasActiveHours, moment: datetime) -> bool:
    """Return whether a moment is outside the active hours, which may span midnight."""
    begins, ends = schedule.active_from, schedule.active_until
    if not has_quiet_hours(schedule) or begins is None or ends is None:
        return False
    clock = moment.astimezone(zone(schedule.timezone)).time()
    if begins <= ends:
        return not begins <= clock < ends
    return ends <= clock < begins


def active_again(schedule: HasActiveHours, moment: datetime) -> datetime:
    """Return the moment itself, or the start of the next active hours if it is quiet."""
    begins = schedule.active_from
    if begins is None or not is_quiet(schedule, moment):
        return moment
    clock = moment.astimezone(zone(schedule.timezone))
    for days in range(3):
        local = datetime.combine(clock.date() + timedelta(days=days), begins, clock.tzinfo)
        if (begin := local.astimezone(UTC)) >= moment and not is_quiet(schedule, begin):
            return begin
    return moment  # it has no active hours at all
