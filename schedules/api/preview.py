"""What a timing means, before it is saved."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from pydantic import ConfigDict, Field

from agents.models import Profile
from schedules.api.schemas.examples import PREVIEW
from schedules.api.schemas.requests import DEFAULT_PROFILE, PreviewRequest, columns
from schedules.api.schemas.upcoming import Fire, next_fires, shift_warnings, step_warnings
from schedules.forecast import collisions
from schedules.models import Schedule
from schedules.services import lookups, schedule_writer
from schedules.timing import describe
from schedules.timing.cron import CronError, parse
from stagent.lib.api.types import NullableText, Row, Warnings
from stagent.lib.problems import Problem, from_model_error, invalid

NO_COLUMNS = {"id", "count", "expression"}


class Preview(Row):
    """A timing in English, and its next firings."""

    model_config = ConfigDict(json_schema_extra={"example": PREVIEW})

    description: str
    cron: NullableText
    every_sec: int | None
    timezone: str
    next_fires: list[datetime] = Field(description="Local times in the time zone.")
    items: list[Fire]
    warnings: Warnings


def preview(asked: PreviewRequest, now: datetime) -> Preview:
    """Validate a timing as a save would, and describe it."""
    schedule = _drafted(asked, now)
    fires = next_fires(schedule, now, asked.count)
    return Preview(
        description=describe.rhythm(schedule),
        cron=schedule.cron,
        every_sec=schedule.every_sec,
        timezone=schedule.timezone,
        next_fires=[fire.local_at for fire in fires],
        items=fires,
        warnings=step_warnings(schedule) + shift_warnings(schedule, fires) + collisions.check(schedule, now),
    )


def _drafted(asked: PreviewRequest, now: datetime) -> Schedule:
    """Apply the timing to an existing schedule or a new one; nothing is written."""
    values = columns(asked)
    meaning = _meaning(asked.expression) if asked.expression else ""
    if meaning and any(values.get(name) for name in schedule_writer.WHEN):
        raise invalid({"expression": "Say when in one way."})
    values = {name: value for name, value in values.items() if name not in NO_COLUMNS}
    if meaning:
        values[meaning] = asked.expression
    try:
        if asked.id is not None:
            return _changed(asked.id, values, now)
        return schedule_writer.draft({"profile": _usual_profile()} | values, now=now)
    except ValidationError as error:
        raise _named(from_model_error(error), "cron" if asked.expression == "" else meaning) from None


def _changed(opaque: str, values: dict[str, Any], now: datetime) -> Schedule:
    try:
        schedule = lookups.schedule(opaque)
    except Problem as problem:
        raise invalid({"id": problem.message}) from None
    schedule_writer.prepare(schedule, values, now=now)
    return schedule


def _usual_profile() -> Profile:
    """Return the default profile of a new schedule."""
    return Profile.objects.filter(slug=DEFAULT_PROFILE).first() or Profile()


def _meaning(expression: str) -> str:
    """Distinguish cron from phrases."""
    try:
        parse(expression)
    except CronError:
        return "interval"
    return "cron"


def _named(problem: Problem, meaning: str) -> Problem:
    """Attribute the error to `expression` if that held the cron or the phrase."""
    fields = {"expression" if name == meaning else name: text for name, text in problem.fields.items()}
    return invalid(fields)
