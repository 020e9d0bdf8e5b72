"""Rows as agents get them: the API's fields, without those that say nothing."""

from datetime import datetime
from typing import Any

from schedules.api.fires import next_fires
from schedules.api.run_rows import RunRow
from schedules.api.schedule_rows import ScheduleRow
from schedules.models import Schedule

IN_LISTS = {
    "id", "name", "kind", "profile", "project", "cron", "interval", "at", "timezone", "description", "status",
    "paused_reason", "next_fire_at", "deferred_until", "last_fired_at", "firing_count", "failure_streak",
    "turn_budget_breach_streak", "last_failure_reason", "max_turns", "avg_turns_per_firing",
    "avg_is_lower_bound",
}  # fmt: skip
NEXT = 3
LONGEST_RESULT, SHORT_RESULT = 8000, 300


def schedule_in_list(row: ScheduleRow) -> dict[str, Any]:
    """Tell what matters when there are many."""
    return row.model_dump(include=IN_LISTS, exclude_none=True)


def whole_schedule(row: ScheduleRow, schedule: Schedule, now: datetime) -> dict[str, Any]:
    """Tell all about one, and when it fires next on its own clocks."""
    upcoming = [fire.local_at for fire in next_fires(schedule, now, NEXT)]
    return row.model_dump(exclude_none=True) | {"next_fires": upcoming}


def run(row: RunRow, *, most: int = LONGEST_RESULT) -> dict[str, Any]:
    """Tell of a run, its result no longer than so many characters."""
    told = row.model_dump(exclude_none=True)
    if len(result := told.get("result", "")) > most:
        told["result"] = f"{result[:most]} [… {len(result) - most:,} more characters]"
    return told
