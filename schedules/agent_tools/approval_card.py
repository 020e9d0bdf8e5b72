"""The approval card of a new schedule: its timing and expected use."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError

from agents.conf import offline
from agents.tools.base import Arguments, Card, ToolContext
from schedules import conf
from schedules.agent_tools.context import errors_as_text, new_schedule
from schedules.api.schemas.requests import columns
from schedules.api.schemas.upcoming import Fire, next_fires, shift_warnings, step_warnings
from schedules.forecast import collisions
from schedules.forecast.estimates import StepEstimates
from schedules.forecast.inputs import CostEstimates
from schedules.forecast.upcoming import timestamps
from schedules.models import Schedule
from schedules.services.schedule_writer import prepare
from schedules.timing import describe
from stagent.lib import clock
from stagent.lib.api.types import Warnings
from stagent.lib.problems import from_model_error

WEEK = timedelta(days=7)
A_FEW = 14  # runs of a week; of more than these the day is told
CENT = 0.01
NO_SCHEDULE = 0  # one that has no prices of its own


class ExpectedEffect:
    """The expected steps and cost of a run, and the number of runs, as text."""

    def __init__(self, schedule: Schedule, now: datetime) -> None:
        alike = Schedule.objects.filter(profile=schedule.profile, avg_turns_per_firing__isnull=False)
        self._schedule = schedule
        self._known = list(alike.only("profile", "avg_turns_per_firing"))
        self._steps = StepEstimates(self._known, conf.load()).of(schedule)
        self._runs = len(timestamps(schedule, now, now + WEEK)[: schedule.firings_left])
        self._usd = CostEstimates().of(NO_SCHEDULE, self._steps) or 0.0
        self._has_price = self._usd > 0
        if schedule.max_cost_usd is not None:
            self._usd = min(self._usd, float(schedule.max_cost_usd))

    def __str__(self) -> str:
        return f"About {_counted(self._steps, 'step')}{self._cost()}; {self._often()}"

    @property
    def basis(self) -> str:
        """Describe the basis of the estimate; without runs it is a limit, which most runs stay far below."""
        name = self._schedule.profile.name
        limit = f"The step limit: {name} has run no schedule yet"
        steps = f"What runs of {name} took" if self._known else limit
        if self._has_price:
            return steps
        return f"{steps}; {'the offline model is free' if offline() else 'no run had a price so far'}"

    def _cost(self) -> str:
        most = self._schedule.max_cost_usd
        if self._has_price:
            return f" and {_money(self._usd)} a run"
        if offline():
            return " and $0 a run"
        return " a run, its cost not known yet" if most is None else f" and at most ${most:,.2f} a run"

    def _often(self) -> str:
        if self._schedule.at:
            return "it runs once"
        if not self._runs:
            return "no run within a week"
        if self._runs > A_FEW:
            return f"{_counted(self._runs / WEEK.days, 'run')} a day{self._in_all(self._runs / WEEK.days)}"
        return f"{_counted(self._runs, 'run')} a week{self._in_all(self._runs)}"

    def _in_all(self, runs: float) -> str:
        dear = self._has_price and self._usd * runs >= CENT
        return f", {_money(self._usd * runs)} in all" if dear and runs > 1 else ""


def _money(usd: float) -> str:
    return f"${usd:,.2f}" if usd >= CENT else "less than a cent"


def _counted(number: float, noun: str) -> str:
    said = f"{number:,.0f}"
    return f"{said} {noun}" if said == "1" else f"{said} {noun}s"


SHOWN = 3
TOLD = {"name", "prompt", "cron", "interval", "at", "timezone", "profile"}


def card(context: ToolContext, arguments: Arguments) -> Card:
    """Return the card of the schedule that would be created; nothing is written."""
    with errors_as_text():
        who, asked = new_schedule(context, arguments)
        now = clock.now()
        schedule = _drafted(columns(asked) | {"owner": who.user}, now)
        fires = next_fires(schedule, now, SHOWN)
        found = step_warnings(schedule) + shift_warnings(schedule, fires)
        met = collisions.check(schedule, now)
    lines = [*_lines(schedule, arguments, fires), *_expected(schedule, met, now)]
    when = f"{describe.rhythm(schedule)} ({schedule.timezone})"
    return {
        "text": f"Allow the agent to create the schedule “{schedule.name}”: {when}?",
        "title": f"New schedule: {schedule.name}",
        "lines": [{"label": label, "value": value} for label, value in lines],
        "warnings": [_sentence(warning) for warning in found + met],
    }


def _drafted(values: dict[str, Any], now: datetime) -> Schedule:
    schedule = Schedule()
    try:
        prepare(schedule, values, now=now)
    except ValidationError as error:
        raise from_model_error(error) from None
    return schedule


def _lines(schedule: Schedule, arguments: Arguments, fires: list[Fire]) -> Iterator[tuple[str, str]]:
    """Yield the label and value of each line."""
    yield "When", describe.rhythm(schedule)
    yield "Time zone", schedule.timezone
    yield "Next firings", "; ".join(f"{fire.local_at:%a %-d %b %Y, %H:%M}" for fire in fires) or "none"
    yield "Task", schedule.prompt
    yield "Agent", schedule.profile.name
    yield from (
        (name.replace("_", " ").capitalize(), str(arguments[name])) for name in sorted(_others(arguments))
    )


def _others(arguments: Arguments) -> set[str]:
    """Return all other arguments: nothing that is approved is hidden."""
    return {name for name, value in arguments.items() if value not in (None, "")} - TOLD


def _expected(schedule: Schedule, met: Warnings, now: datetime) -> Iterator[tuple[str, str]]:
    """Yield the expected use, and that there is no collision if there is none."""
    expected = ExpectedEffect(schedule, now)
    yield "Expected", str(expected)
    yield "Guessed from", expected.basis
    if not met:
        yield "Collisions", "None in the next 24 hours"


def _sentence(warning: dict[str, Any]) -> str:
    """Format a warning of the API."""
    is_collision = warning["type"] == "cron_collision"
    return collisions.warning_text(warning) if is_collision else str(warning["message"])
