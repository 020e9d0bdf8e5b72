"""The instants at which a schedule will fire: its calendar less quiet hours."""

from datetime import UTC, datetime

from schedules.models import Schedule
from schedules.quiet import has_quiet_hours, is_quiet


def stamps_ahead(schedule: Schedule, after: datetime, until: datetime) -> list[int]:
    """Return its nominal instants after one moment until another as Unix seconds, jitter left out."""
    try:
        stamps = schedule.recurrence.stamps(after, until)
    except ValueError:  # such as a zone that this machine does not know; the doctor names it
        return []
    if has_quiet_hours(schedule):
        return [stamp for stamp in stamps if not is_quiet(schedule, datetime.fromtimestamp(stamp, UTC))]
    return stamps
