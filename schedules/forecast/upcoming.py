"""The instants at which schedules fire: their recurrence without quiet hours."""

from collections.abc import Sequence
from datetime import UTC, datetime

from schedules.forecast.schedule_summary import ScheduleSummary
from schedules.models import Schedule
from schedules.timing.active_hours import has_quiet_hours, is_quiet


class Window:
    """A period; schedules with the same recurrence are computed once."""

    def __init__(self, after: datetime, until: datetime) -> None:
        self._after, self._until = after, until
        self._known: dict[tuple[object, ...], Sequence[int]] = {}

    def stamps(self, schedule: Schedule | ScheduleSummary) -> Sequence[int]:
        """Return the nominal instants in the period, its end included, as Unix seconds, without jitter."""
        quiet = (schedule.active_from, schedule.active_until) if has_quiet_hours(schedule) else None
        rhythm = (
            schedule.cron, schedule.timezone, schedule.every_sec, schedule.at, schedule.anchor_at,
            schedule.starts_at, schedule.ends_at, quiet,
        )  # fmt: skip
        stamps = self._known.get(rhythm)
        if stamps is None:
            stamps = self._known[rhythm] = self._find(schedule)
        return stamps

    def _find(self, schedule: Schedule | ScheduleSummary) -> Sequence[int]:
        try:
            stamps = schedule.recurrence.stamps(self._after, self._until)
        except ValueError:  # such as a zone that this machine does not know; the doctor names it
            return ()
        if has_quiet_hours(schedule):
            return [stamp for stamp in stamps if not is_quiet(schedule, datetime.fromtimestamp(stamp, UTC))]
        return stamps


def timestamps(schedule: Schedule, after: datetime, until: datetime) -> Sequence[int]:
    """Return the instants of one schedule after `after` and up to `until`, as `Window.stamps` does."""
    return Window(after, until).stamps(schedule)
