"""What the coming hours hold: every firing played through the cap, and what a day takes.

An estimate: each schedule takes as long, as many steps and as much money as it usually does. Chat, retries,
runs by hand and budgets are not foreseen.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from django.conf import settings

from schedules import plans
from schedules.plans import Likely, Outlook
from schedules.simulation import Fate, Job, Simulation
from schedules.situation import Situation
from schedules.vitals import percentile
from schedules.zones import zone

HOURS = 48
MOST_HOURS = 168
FATES = {
    Fate.SKIPPED: "skipped, an earlier run is in the way",
    Fate.EXPIRED: "given up in the queue",
    Fate.REPLACED: "cancelled by the next one",
}


class Expected(NamedTuple):
    """A firing to come: when it is due, when it would start and end, and what becomes of it."""

    schedule: Likely
    due_at: datetime
    start_at: datetime | None
    end_at: datetime | None
    wait_sec: float
    fate: Fate


@dataclass(slots=True)
class Day:
    """What the firings that come due on one day add up to, on the clocks of the install."""

    date: date
    firings: int = 0
    runs: int = 0
    turns: float = 0.0
    cost_usd: float = 0.0


@dataclass(frozen=True)
class Forecast:
    """The coming hours under a cap."""

    now: datetime
    until: datetime
    cap: int
    firings: list[Expected]
    present: list[Expected]  # what runs or waits now; due when it was queued
    days: list[Day]
    peak_running: int
    peak_at: datetime | None
    peak_waiting: int
    left_out: int

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
    def longest_wait_sec(self) -> float:
        return max((firing.wait_sec for firing in self.firings), default=0.0)

    @property
    def wait_p95_sec(self) -> float:
        return percentile([firing.wait_sec for firing in self.firings if firing.start_at], 95) or 0.0


def forecast(situation: Situation, *, hours: int = HOURS, cap: int | None = None) -> Forecast:
    """Play the coming hours through the cap in force, or through another one: what if?"""
    until = situation.now + timedelta(hours=hours)
    outlook = plans.look(situation, until)
    return play(outlook, now=situation.now, until=until, cap=cap or situation.conf.max_concurrent)


def play(outlook: Outlook, *, now: datetime, until: datetime, cap: int) -> Forecast:
    """Play an outlook through a cap. Pure, so that two caps can be compared over one reading."""
    simulation = Simulation([one.plan for one in outlook.likely], cap, outlook.pools)
    for number, since, ends_at in outlook.running:
        simulation.already_running(number, since.timestamp(), ends_at.timestamp())
    for number, since in outlook.queued:
        simulation.already_queued(number, since.timestamp())
    firings = [_expected(outlook.likely[job.plan], job) for job in simulation.play(now.timestamp())]
    return Forecast(
        now=now,
        until=until,
        cap=cap,
        firings=firings,
        present=[_expected(outlook.likely[job.plan], job) for job in simulation.present],
        days=_days(firings, now, until),
        peak_running=simulation.peak_running,
        peak_at=max(now, _moment(simulation.peak_at)) if simulation.peak_running else None,
        peak_waiting=simulation.peak_waiting,
        left_out=outlook.left_out,
    )


def _expected(schedule: Likely, job: Job) -> Expected:
    fate = job.fate or Fate.EXPIRED
    if job.start is None:
        return Expected(schedule, _moment(job.due), None, None, 0.0, fate)
    return Expected(schedule, _moment(job.due), _moment(job.start), _moment(job.end), job.wait_sec, fate)


def _days(firings: Sequence[Expected], now: datetime, until: datetime) -> list[Day]:
    """Add up day by day, the present one first; a skipped firing takes nothing."""
    here = zone(settings.TIME_ZONE)
    first, last = now.astimezone(here).date(), until.astimezone(here).date()
    days = [Day(first + timedelta(days=number)) for number in range((last - first).days + 1)]
    begins = [datetime(*day.date.timetuple()[:3], tzinfo=here) for day in days]
    for firing in firings:
        day = days[bisect_right(begins, firing.due_at) - 1]
        day.firings += 1
        if firing.start_at:
            day.runs += 1
            day.turns += firing.schedule.turns
            day.cost_usd += firing.schedule.cost_usd
    return days


def _moment(stamp: float) -> datetime:
    return datetime.fromtimestamp(stamp, UTC)
