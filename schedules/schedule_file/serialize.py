"""Serialises a schedule for the file: non-default fields under their API names."""

from datetime import datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any

from schedules.api.schemas.requests import DEFAULT_PROFILE, NewSchedule
from schedules.models import Schedule
from schedules.states import ScheduleStatus
from stagent.lib.yaml_file.writer import write

ROOT = "schedules"

WHEN = ("interval", "cron", "at")
REASON = "paused_reason"  # in a file alone: to the API it is the reason of a pause
STATUS_FIELDS = ("status", REASON)
ALWAYS = ("name", "key", "project", "profile", "status", *WHEN, "timezone", "prompt")
OTHERS = tuple(name for name in NewSchedule.model_fields if name not in ALWAYS)
HEAD = """\
# Schedules of this install. `manage.py schedules plan` shows what this file would change, `apply` changes it.
# An omitted field has its default; an omitted status is unchanged.
"""


def default(name: str) -> Any:
    """Return the value of a field that the file omits."""
    if name == "profile":
        return DEFAULT_PROFILE
    column: Any = Schedule._meta.get_field(name)
    return plain(column.get_default()) if column.has_default() and name != "timezone" else None


def fields_of(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule's fields in the order of the file, without defaults."""
    values = {name: plain(getattr(schedule, name)) for name in ("name", "key", "project", "profile")}
    if schedule.status != ScheduleStatus.ACTIVE or schedule.at or schedule.ends_at:  # may be over when read
        values["status"] = plain(schedule.status)
    if schedule.status == ScheduleStatus.PAUSED:
        values[REASON] = schedule.paused_reason or None
    values |= _when(schedule) | {"timezone": schedule.timezone, "prompt": schedule.prompt}
    values |= {name: plain(getattr(schedule, name)) for name in OTHERS}
    return {
        name: value
        for name, value in values.items()
        if name in KEPT or (value is not None if name == REASON else value != default(name))
    }


KEPT = {"name", "profile", "status", "timezone", "prompt", *WHEN}


def _when(schedule: Schedule) -> dict[str, Any]:
    """Return the timing field, as the phrase if it was entered as one."""
    if schedule.every_sec and not schedule.interval:
        return {"interval": f"{schedule.every_sec}s"}
    name = next(name for name in WHEN if getattr(schedule, name))
    return {name: plain(getattr(schedule, name))}


def plain(value: Any) -> Any:
    """Return a value as YAML; an empty one is None."""
    match value:
        case bool() | int():
            return value
        case Enum():
            return value.value
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case time():
            return value.isoformat("minutes" if not (value.second or value.microsecond) else "auto")
        case Decimal():
            return float(value)
        case None | "":
            return None
    return getattr(value, "slug", None) or str(value)


def render(schedules: list[dict[str, Any]]) -> str:
    """Return the text of a file with these schedules."""
    return write(ROOT, schedules, HEAD)
