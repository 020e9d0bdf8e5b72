"""What a timing would mean, before anybody saves it."""

from datetime import datetime

from django.core.exceptions import ValidationError
from pydantic import Field

from schedules import editing, wording
from schedules.api.asking import PreviewAsked
from schedules.api.columns import columns
from schedules.api.fires import Fire, next_fires, shift_warnings
from schedules.api.values import Row, Said, Warnings
from schedules.cron import CronError, parse
from schedules.models import Schedule
from stagent.lib.problems import Problem, invalid, of_model


class Preview(Row):
    """A timing in plain English, and when it would fire."""

    description: str
    cron: Said
    every_sec: int | None
    timezone: str
    next_fires: list[datetime] = Field(description="On the clocks of the time zone.")
    items: list[Fire]
    warnings: Warnings


def preview(asked: PreviewAsked, now: datetime) -> Preview:
    """Read a timing as saving would, and tell what would come of it."""
    schedule = _draft(asked, now)
    fires = next_fires(schedule, now, asked.count)
    return Preview(
        description=wording.rhythm(schedule),
        cron=schedule.cron,
        every_sec=schedule.every_sec,
        timezone=schedule.timezone,
        next_fires=[fire.local_at for fire in fires],
        items=fires,
        warnings=shift_warnings(schedule, fires),
    )


def _draft(asked: PreviewAsked, now: datetime) -> Schedule:
    values = columns(asked)
    for name in ("id", "count"):
        values.pop(name, None)
    expression = values.pop("expression", None)
    meaning = _meaning(expression) if expression else ""
    if meaning and any(values.get(name) for name in editing.WHEN):
        raise invalid({"expression": "Say when in one way."})
    try:
        return editing.draft(values | ({meaning: expression} if meaning else {}), now=now)
    except ValidationError as error:
        raise _named(of_model(error), meaning) from None


def _meaning(expression: str) -> str:
    """Tell cron from words."""
    try:
        parse(expression)
    except CronError:
        return "interval"
    return "cron"


def _named(problem: Problem, meaning: str) -> Problem:
    """Blame what was sent: the expression, where it stood for cron or words."""
    fields = {"expression" if name == meaning else name: text for name, text in problem.fields.items()}
    return invalid(fields)
