"""The card that shows a person the schedule an agent wants to make: when, how often, and at what price."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError

from agents.tools.base import Arguments, Card, ToolContext
from schedules import collisions, conf, wording
from schedules.ahead import stamps_ahead
from schedules.api.columns import columns
from schedules.api.fires import Fire, next_fires, shift_warnings
from schedules.editing import prepare
from schedules.models import Schedule
from schedules.plans import Prices
from schedules.tools.acting import refusals_in_words
from schedules.tools.wanting import new_schedule
from schedules.weights import Weights
from stagent.lib import clock
from stagent.lib.problems import of_model

SHOWN = 3
WEEK = timedelta(days=7)
NO_SCHEDULE = 0  # one that has no prices of its own
TOLD = {"name", "prompt", "cron", "interval", "at", "timezone", "profile"}


def card(context: ToolContext, arguments: Arguments) -> Card:
    """Show the schedule as saving would make it; nothing is written."""
    with refusals_in_words():
        who, asked = new_schedule(context, arguments)
        now = clock.now()
        schedule = _drafted(columns(asked) | {"owner": who.user}, now)
        fires = next_fires(schedule, now, SHOWN)
        found = shift_warnings(schedule, fires) + collisions.check(schedule, now)
    when = f"{wording.rhythm(schedule)} ({schedule.timezone})"
    return {
        "text": f"May the agent create the schedule “{schedule.name}”: {when}?",
        "title": f"New schedule: {schedule.name}",
        "lines": [
            {"label": label, "value": value} for label, value in _lines(schedule, arguments, fires, now)
        ],
        "warnings": [_sentence(warning) for warning in found],
    }


def _drafted(values: dict[str, Any], now: datetime) -> Schedule:
    schedule = Schedule()
    try:
        prepare(schedule, values, now=now)
    except ValidationError as error:
        raise of_model(error) from None
    return schedule


def _lines(
    schedule: Schedule, arguments: Arguments, fires: list[Fire], now: datetime
) -> Iterator[tuple[str, str]]:
    """Yield label and value of each line."""
    yield "When", wording.rhythm(schedule)
    yield "Time zone", schedule.timezone
    yield "Next firings", "; ".join(f"{fire.local_at:%a %Y-%m-%d %H:%M}" for fire in fires) or "none"
    yield "Task", schedule.prompt
    yield "Agent", schedule.profile.name
    yield from (
        (name.replace("_", " ").capitalize(), str(arguments[name])) for name in sorted(_others(arguments))
    )
    yield "Expected", _expected(schedule, now)


def _others(arguments: Arguments) -> set[str]:
    """Return what else was asked for: nothing that a person allows is out of their sight."""
    return {name for name, value in arguments.items() if value not in (None, "")} - TOLD


def _expected(schedule: Schedule, now: datetime) -> str:
    """Say what it is going to use: of one that fires once in all, else of an average day of the week."""
    alike = Schedule.objects.filter(profile=schedule.profile).only("profile", "avg_turns_per_firing")
    steps = Weights(alike, conf.load()).of(schedule)
    runs = len(stamps_ahead(schedule, now, now + WEEK)[: schedule.firings_left]) / WEEK.days
    if schedule.at:
        return f"one run of {_used(schedule, steps)}"
    if not runs:
        return f"no run within a week; one takes {_used(schedule, steps)}"
    often = f"{runs:,.1f}".removesuffix(".0")
    return f"{often} run{'' if often == '1' else 's'} a day, in all {_used(schedule, steps, runs)}"


def _used(schedule: Schedule, steps: float, runs: float = 1) -> str:
    """Say steps and, as far as anything is known of prices, the cost of so many runs."""
    usd = Prices().of(NO_SCHEDULE, steps)
    if schedule.max_cost_usd is not None:
        usd = min(usd, float(schedule.max_cost_usd))
    cost = f" and ${usd * runs:,.2f}" if usd * runs >= 0.005 else ""
    return f"about {steps * runs:,.0f} agent steps{cost}"


def _sentence(warning: dict[str, Any]) -> str:
    """Say a warning of the API in words."""
    if warning["type"] != "cron_collision":
        return str(warning["message"])
    others = ", ".join(f"“{name}”" for name in warning["overlapping_schedules"])
    steps = f"{warning['estimated_concurrent_steps']:,} agent steps"
    return f"Comes due together with {others}: {steps} within minutes. {warning['suggestion']}"
