"""Simulates the coming hours: every firing under the cap, with totals by day.

An estimate from average durations, steps and costs. Chat, retries, manual runs and budgets are not simulated.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from django.conf import settings

from schedules.capacity.conditions import StartConditions
from schedules.forecast import inputs
from schedules.forecast.inputs import ForecastInput, PlannedSchedule
from schedules.forecast.simulation import SimOutcome, SimRun, Simulation
from schedules.timing.timezones import zone
from stagent.lib.processes.process_metrics import percentile

HOURS = 48
MOST_HOURS = 168
OUTCOMES = {
    SimOutcome.SKIPPED: "skipped, an earlier run is in the way",
    SimOutcome.EXPIRED: "given up in the queue",
    SimOutcome.REPLACED: "cancelled by the next one",
}


class ExpectedRun(NamedTuple):
    """A future firing: when it is due, when it starts and ends, and its outcome.

    Moments are Unix seconds: there are tens of thousands, and few are ever formatted.
    """

    schedule: PlannedSchedule
    due: float
    start: float | None
    end: float | None
    outcome: SimOutcome

    @property
    def due_at(self) -> datetime:
        return _moment(self.due)

    @property
    def start_at(self) -> datetime | None:
        return None if self.start is None else _moment(self.start)

    @property
    def end_at(self) -> datetime | None:
        return None if self.end is None else _moment(self.end)

    @property
    def wait_sec(self) -> float:
        return 0.0 if self.start is None else self.start - self.due


@dataclass(slots=True)
class ForecastDay:
    """The totals of the firings that are due on one day, in the time zone of the install."""

    date: date
    firings: int = 0
    runs: int = 0
    turns: float = 0.0
    cost_usd: float = 0.0
    unpriced: int = 0  # runs whose cost is not in the sum: their prices are not known


@dataclass(frozen=True)
class Forecast:
    """The coming hours under one cap."""

    now: datetime
    until: datetime
    cap: int
    firings: list[ExpectedRun]
    present: list[ExpectedRun]  # what runs or waits now; due when it was queued
    days: list[ForecastDay]
    peak_running: int
    peak_at: datetime | None
    peak_waiting: int
    omitted: int
    stopped: bool = False  # all scheduled work is: the times are those if it starts again now

    @property
    def runs(self) -> int:
        return sum(day.runs for day in self.days)

    @property
    def turns(self) -> float:
        return sum(day.turns for day in self.days)

    @property
    def cost_usd(self) -> float:
        return sum(day.cost_usd for day in self.days)

    @property
    def unpriced(self) -> int:
        return sum(day.unpriced for day in self.days)

    @property
    def longest_wait_sec(self) -> float:
        return max(self._waits, default=0.0)

    @property
    def wait_p95_sec(self) -> float:
        return percentile(self._waits, 95) or 0.0

    @cached_property
    def _waits(self) -> list[float]:
        return [start - due for _, due, start, _, _ in self.firings if start is not None]


def forecast(situation: StartConditions, *, hours: int = HOURS, cap: int | None = None) -> Forecast:
    """Simulate the coming hours under the current cap, or under another one."""
    until = situation.now + timedelta(hours=hours)
    workload = inputs.load(situation, until)
    return play(workload, now=situation.now, until=until, cap=cap or situation.conf.max_concurrent)


def play(workload: ForecastInput, *, now: datetime, until: datetime, cap: int) -> Forecast:
    """Simulate under a cap. Pure, so that two caps can be compared on the same input."""
    simulation = Simulation([one.plan for one in workload.planned], cap, workload.pools)
    for number, since, ends_at in workload.running:
        simulation.add_running(number, since.timestamp(), ends_at.timestamp())
    for number, since in workload.queued:
        simulation.add_queued(number, since.timestamp())
    firings = _expected(workload, simulation.play(now.timestamp(), workload.arrivals))
    return Forecast(
        now=now,
        until=until,
        cap=cap,
        firings=firings,
        present=_expected(workload, simulation.present),
        days=_days(firings, now, until),
        peak_running=simulation.peak_running,
        peak_at=max(now, _moment(simulation.peak_at)) if simulation.peak_running else None,
        peak_waiting=simulation.peak_waiting,
        omitted=workload.omitted,
        stopped=workload.stopped,
    )


def _expected(workload: ForecastInput, jobs: Sequence[SimRun]) -> list[ExpectedRun]:
    planned, given_up = workload.planned, SimOutcome.EXPIRED
    columns = (
        (
            planned[job.plan],
            job.due,
            job.start,
            None if job.start is None else job.end,
            job.outcome or given_up,
        )
        for job in jobs
    )
    return list(map(ExpectedRun._make, columns))


def _days(firings: Sequence[ExpectedRun], now: datetime, until: datetime) -> list[ForecastDay]:
    """Total by day, today first; skipped firings cost nothing."""
    here = zone(settings.TIME_ZONE)
    first, last = now.astimezone(here).date(), until.astimezone(here).date()
    dates = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    begins = [datetime(*date.timetuple()[:3], tzinfo=here).timestamp() for date in dates[1:]]
    edges = [0, *(bisect_left(firings, begin, key=_due) for begin in begins), len(firings)]
    return [_day(date, firings[since:to]) for date, (since, to) in zip(dates, pairwise(edges), strict=True)]


def _day(date: date, firings: Sequence[ExpectedRun]) -> ForecastDay:
    starting = [schedule for schedule, _, start, _, _ in firings if start is not None]
    turns = sum(schedule.turns for schedule in starting)
    costs = [schedule.cost_usd for schedule in starting]
    known = [cost for cost in costs if cost is not None]
    return ForecastDay(date, len(firings), len(starting), turns, sum(known), len(costs) - len(known))


_due = attrgetter("due")


def _moment(stamp: float) -> datetime:
    return datetime.fromtimestamp(stamp, UTC)
