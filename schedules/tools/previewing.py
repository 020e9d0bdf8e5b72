"""The card that shows a person the schedule an agent wants to make: when, how often, and at what price."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError

from agents.tools.base import Arguments, Card, ToolContext
from schedules import collisions, wording
from schedules.api.columns import columns
from schedules.api.fires import Fire, next_fires, shift_warnings, step_warnings
from schedules.editing import prepare
from schedules.models import Schedule
from schedules.tools.acting import refusals_in_words
from schedules.tools.expecting import Expected
from schedules.tools.wanting import new_schedule
from stagent.lib import clock
from stagent.lib.api.values import Warnings
from stagent.lib.problems import of_model

SHOWN = 3
TOLD = {"name", "prompt", "cron", "interval", "at", "timezone", "profile"}


def card(context: ToolContext, arguments: Arguments) -> Card:
    """Show the schedule as saving would make it; nothing is written."""
    with refusals_in_words():
        who, asked = new_schedule(context, arguments)
        now = clock.now()
        schedule = _drafted(columns(asked) | {"owner": who.user}, now)
        fires = next_fires(schedule, now, SHOWN)
        found = step_warnings(schedule) + shift_warnings(schedule, fires)
        met = collisions.check(schedule, now)
    lines = [*_lines(schedule, arguments, fires), *_expected(schedule, met, now)]
    when = f"{wording.rhythm(schedule)} ({schedule.timezone})"
    return {
        "text": f"May the agent create the schedule “{schedule.name}”: {when}?",
        "title": f"New schedule: {schedule.name}",
        "lines": [{"label": label, "value": value} for label, value in lines],
        "warnings": [_sentence(warning) for warning in found + met],
    }


def _drafted(values: dict[str, Any], now: datetime) -> Schedule:
    schedule = Schedule()
    try:
        prepare(schedule, values, now=now)
    except ValidationError as error:
        raise of_model(error) from None
    return schedule


def _lines(schedule: Schedule, arguments: Arguments, fires: list[Fire]) -> Iterator[tuple[str, str]]:
    """Yield label and value of each line that says what is to be made."""
    yield "When", wording.rhythm(schedule)
    yield "Time zone", schedule.timezone
    yield "Next firings", "; ".join(f"{fire.local_at:%a %-d %b %Y, %H:%M}" for fire in fires) or "none"
    yield "Task", schedule.prompt
    yield "Agent", schedule.profile.name
    yield from (
        (name.replace("_", " ").capitalize(), str(arguments[name])) for name in sorted(_others(arguments))
    )


def _others(arguments: Arguments) -> set[str]:
    """Return what else was asked for: nothing that a person allows is out of their sight."""
    return {name for name, value in arguments.items() if value not in (None, "")} - TOLD


def _expected(schedule: Schedule, met: Warnings, now: datetime) -> Iterator[tuple[str, str]]:
    """Yield what it is going to use, and that it is in nobody's way where it is not."""
    expected = Expected(schedule, now)
    yield "Expected", str(expected)
    yield "Guessed from", expected.basis
    if not met:
        yield "Collisions", "None in the next 24 hours"


def _sentence(warning: dict[str, Any]) -> str:
    """Say a warning of the API in words."""
    is_collision = warning["type"] == "cron_collision"
    return collisions.in_words(warning) if is_collision else str(warning["message"])
