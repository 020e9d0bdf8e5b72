"""What a schedule that is only thought of is expected to use, and from what that is guessed."""

from datetime import datetime, timedelta

from agents.conf import offline
from schedules import conf
from schedules.ahead import stamps_ahead
from schedules.models import Schedule
from schedules.plans import Prices
from schedules.weights import Weights

WEEK = timedelta(days=7)
A_FEW = 14  # runs of a week; of more than these the day is told
CENT = 0.01
NO_SCHEDULE = 0  # one that has no prices of its own


class Expected:
    """Steps and money of one run, and how many runs: in words for the card."""

    def __init__(self, schedule: Schedule, now: datetime) -> None:
        alike = Schedule.objects.filter(profile=schedule.profile, avg_turns_per_firing__isnull=False)
        self._schedule = schedule
        self._known = list(alike.only("profile", "avg_turns_per_firing"))
        self._steps = Weights(self._known, conf.load()).of(schedule)
        self._runs = len(stamps_ahead(schedule, now, now + WEEK)[: schedule.firings_left])
        self._usd = Prices().of(NO_SCHEDULE, self._steps) or 0.0
        self._has_price = self._usd > 0
        if schedule.max_cost_usd is not None:
            self._usd = min(self._usd, float(schedule.max_cost_usd))

    def __str__(self) -> str:
        return f"About {_counted(self._steps, 'step')}{self._cost()}; {self._often()}"

    @property
    def basis(self) -> str:
        """Say from what it is guessed: without runs from a limit, which most stay far below."""
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
