"""Flattening the peaks from the forecast page: what is proposed, and what a click does."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from schedules.capacity.conditions import StartConditions
from schedules.forecast import inputs
from schedules.forecast.forecast import HOURS, Forecast, play
from schedules.forecast.inputs import ForecastInput
from schedules.forecast.stagger_solver import FARTHEST
from schedules.services import stagger
from schedules.services.stagger import Applied, Proposal, StaggerStep
from schedules.timing.phrases import When, describe_when
from stagent.lib import clock
from stagent.lib.web import formatting
from stagent.lib.web.admin import user_of

WEEK = timedelta(days=7)
CROWDED = 10_000  # firings in the hours of the forecast; a week of them takes too long to go through
AT_ONCE = 300  # with more schedules than this, one asks for the proposal: it takes a moment
MOST_AMONG = 500
MOST_NAMED = 5


@dataclass(frozen=True)
class StaggerRow:
    """One move as it is shown."""

    step: StaggerStep
    now: str
    then: str


def context(
    request: HttpRequest, at: StartConditions, workload: ForecastInput, forecast: Forecast
) -> dict[str, Any]:
    """Return the proposal for the page, or that it is there for the asking."""
    among = [int(number[:18]) for number in request.GET.get("among", "").split(",") if number.isdecimal()]
    if len(workload.planned) > AT_ONCE and not among and "flatten" not in request.GET:
        return {"proposal": None}
    farther, played = context_with_wider_window(at, workload, forecast)
    proposal = stagger.propose(farther, played, among[:MOST_AMONG])
    lines = [
        StaggerRow(step, _describe(step.move.before), _describe(step.move.after)) for step in proposal.steps
    ]
    return {
        "proposal": proposal,
        "lines": lines,
        "effect": effect(proposal),
        "farthest": FARTHEST,
        "stretch": "7 days" if played is not forecast else f"{HOURS} hours",
        "among": len(among),
    }


def context_with_wider_window(
    at: StartConditions, workload: ForecastInput, forecast: Forecast
) -> tuple[ForecastInput, Forecast]:
    """Return the coming week, in which weekly schedules meet; the same hours where they are crowded."""
    if sum(len(one.plan.dues) for one in workload.planned) > CROWDED:
        return workload, forecast
    until = at.now + WEEK
    week = inputs.load(at, until)
    return week, play(week, now=at.now, until=until, cap=forecast.cap)


def effect(proposal: Proposal) -> list[tuple[str, str, str]]:
    """Return what the moves change: its name, without them, with them."""
    before, after = proposal.before, proposal.after
    return [
        ("Busiest five minutes", f"{proposal.peak_before:,} steps", f"{proposal.peak_after:,} steps"),
        ("Longest wait", _for(before.longest_wait_sec), _for(after.longest_wait_sec)),
        ("Most waiting", f"{before.peak_waiting:,}", f"{after.peak_waiting:,}"),
        ("Runs", f"{before.runs:,}", f"{after.runs:,}"),
    ]


def apply(request: HttpRequest) -> None:
    """Move the ticked schedules and say what became of each."""
    if not request.user.has_perm("schedules.change_schedule"):
        raise PermissionDenied
    applied = stagger.apply(request.POST.getlist("move"), user_of(request), clock.now())
    _report_result(request, applied)


def _report_result(request: HttpRequest, applied: Applied) -> None:
    if applied.moved:
        messages.success(request, f"Moved: {_names(applied.moved)}.")
    for name, why in applied.kept:
        messages.warning(request, f"“{name}” stays where it is: {why}.")
    if not (applied.moved or applied.kept):
        messages.info(request, "Nothing was chosen, so nothing was moved.")


def _names(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _describe(cron: str) -> str:
    return describe_when(When(cron))


def _for(seconds: float) -> str:
    return formatting.duration_text(1000 * seconds) if seconds >= 1 else "none"
