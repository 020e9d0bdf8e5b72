"""Warns if a schedule makes a run wait too long for a slot. A warning, never a refusal.

Simulates the nominal instants of the next 24 hours with and without the candidate, within the cap and the
pools. A run takes the average duration of its schedule; without history, its time limit or its period,
whichever is shorter.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from math import inf
from typing import Any

from schedules.capacity import effective_cap
from schedules.conf import Conf
from schedules.forecast.estimates import StepEstimates
from schedules.forecast.occupancy import Occupancy
from schedules.forecast.schedule_summary import ScheduleSummary, load_rows
from schedules.forecast.simulation import SimRun, SimSchedule, Simulation
from schedules.forecast.upcoming import Window
from schedules.models import Pool, Schedule
from schedules.states import PRIORITY_STEP_SEC, OverlapPolicy
from schedules.timing.timezones import zone
from stagent.lib.web.formatting import duration_text

HORIZON = timedelta(hours=24)
LONG_WAIT_SEC = 300.0
SHARE_OF_PERIOD = 0.1  # of the waiting schedule's own; a wait is too long past the smaller of the two
SHIFTS = sorted((shift for shift in range(-55, 60, 5) if shift), key=abs)  # minutes, that may be suggested
MOST_MINUTES = 48  # named in one warning
MOST_NAMED = 4  # in a sentence
MOST_WAITS = 4  # looked into for who is involved

type Summaries = Sequence[ScheduleSummary]


def check(schedule: Schedule, now: datetime) -> list[dict[str, Any]]:
    """Return one warning if the schedule, saved or not, makes a run wait too long for a slot."""
    window = Window(now, now + HORIZON)
    mine = window.stamps(schedule)
    others = _others(schedule, now) if mine else []
    if not others:
        return []
    conf = effective_cap.load(now)
    plans = [_plan(other, window.stamps(other), conf) for other in others]
    day = DayLoad(plans, _plan(schedule, mine, conf), conf.max_concurrent, _pools(), now.timestamp())
    return [_warning(schedule, others, day, conf)] if day.waits else []


def _others(schedule: Schedule, now: datetime) -> list[ScheduleSummary]:
    """Return the other active schedules that fire within 24 hours; all share the cap."""
    soon = Schedule.objects.active().filter(next_nominal_at__lte=now + HORIZON).exclude(pk=schedule.pk)
    return list(load_rows(soon))


def _pools() -> dict[str, int]:
    return dict(Pool.objects.values_list("name", "size"))


def _plan(schedule: Schedule | ScheduleSummary, stamps: Sequence[int], conf: Conf) -> SimSchedule:
    usual = schedule.avg_duration_ms
    limit = float(schedule.max_run_duration_sec or conf.max_run_duration_sec)
    return SimSchedule(
        dues=stamps,
        most=schedule.firings_left,
        takes_sec=min(limit, period_sec(stamps)) if usual is None else min(usual / 1000, limit),
        overlap=schedule.overlap_policy,
        head_start_sec=schedule.priority * PRIORITY_STEP_SEC,
        pool=schedule.pool_id or "",
    )


def period_sec(stamps: Sequence[float]) -> float:
    return stamps[1] - stamps[0] if len(stamps) > 1 else inf


@dataclass(frozen=True)
class DayLoad:
    """The next 24 hours of the other schedules, with and without the candidate. Pure."""

    others: Sequence[SimSchedule]
    candidate: SimSchedule
    cap: int
    pools: dict[str, int]
    now: float

    @cached_property
    def before(self) -> list[SimRun]:
        """Simulate the day without the candidate."""
        return Simulation(self.others, self.cap, self.pools).play(self.now)

    @cached_property
    def after(self) -> list[SimRun]:
        """Simulate the day with the candidate, which is the last plan."""
        return Simulation([*self.others, self.candidate], self.cap, self.pools).play(self.now)

    @cached_property
    def waits(self) -> list[SimRun]:
        """The runs that wait too long for a slot only because of the candidate; longest wait first."""
        long = [job for job in self.after if job.wait_sec > 0 and self._is_too_long(job)]
        if not long:
            return []
        mine, known = len(self.others), {(job.plan, job.due): job.wait_sec for job in self.before}
        worse = (
            job for job in long if job.plan == mine or job.wait_sec > known.get((job.plan, job.due), 0) + 1
        )
        # A run that waits for an earlier one of its own starts when that one ends.
        careful = {job.state for job in long if job.state.plan.overlap == OverlapPolicy.QUEUE_ONE}
        ends = {(job.state, job.end) for job in self.after if careful and job.state in careful}
        lacking_a_slot = (job for job in worse if (job.state, job.start) not in ends)
        return sorted(lacking_a_slot, key=lambda job: (-job.wait_sec, job.due))

    def _is_too_long(self, job: SimRun) -> bool:
        return job.wait_sec > min(LONG_WAIT_SEC, SHARE_OF_PERIOD * period_sec(job.state.plan.dues))

    def involved(self) -> tuple[list[int], list[int]]:
        """Return the plans that wait or block, and those of the longest wait alone."""
        everybody, worst = set[int](), set[int]()
        for number, wait in enumerate(self.waits[:MOST_WAITS]):
            met = {job.plan for job in self.after if _overlaps(job, wait)} | {wait.plan}
            everybody |= met
            worst = worst or (met if number == 0 else set())
        return sorted(everybody), sorted(worst)

    def free_shift_min(self) -> int | None:
        """Return the nearest shift, in minutes, at which the candidate finds a slot and blocks no other
        run.
        """
        plan, jobs = self.candidate, self.before
        places = [(Occupancy.of(jobs, self.now), self.cap)]
        if plan.pool:
            in_pool = [job for job in jobs if job.state.plan.pool == plan.pool]
            places.append((Occupancy.of(in_pool, self.now), self.pools.get(plan.pool, 1)))
        for shift in SHIFTS:
            starts = [due + 60 * shift for due in plan.dues]
            if all(taken.most(at, at + plan.takes_sec) < size for taken, size in places for at in starts):
                return shift
        return None


def _overlaps(job: SimRun, wait: SimRun) -> bool:
    """Return whether `job` holds a slot while `wait` waits."""
    return job.start is not None and wait.start is not None and job.start < wait.start and job.end > wait.due


def warning_text(warning: dict[str, Any]) -> str:
    """Return a warning as text; console, chat and schedule file share it."""
    others = [f"“{name}”" for name in warning["overlapping_schedules"]]
    more = len(others) - MOST_NAMED
    named = ", ".join(others[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"{warning['message']} Together with {named}. {warning['suggestion']}"


def _warning(schedule: Schedule, others: Summaries, day: DayLoad, conf: Conf) -> dict[str, Any]:
    everybody, worst = day.involved()
    met = [others[number] for number in everybody if number < len(others)]
    weights = StepEstimates([schedule, *others], conf)
    steps = sum(weights.of(others[number] if number < len(others) else schedule) for number in worst)
    longest = day.waits[0]
    times = _clock_times(schedule, sorted({job.due for job in day.waits})[:MOST_MINUTES])
    return {
        "type": "cron_collision",
        "message": _sentence(schedule, others, longest, len(worst), conf.max_concurrent),
        "overlapping_schedules": [other.name for other in met],
        "overlapping_schedule_ids": [str(other.pk) for other in met],
        "overlapping_minutes": list(dict.fromkeys(times)),
        "estimated_concurrent_steps": round(steps),
        "estimated_wait_sec": round(longest.wait_sec),
        "suggestion": _suggestion(schedule, day),
    }


def _sentence(schedule: Schedule, others: Summaries, longest: SimRun, runs: int, cap: int) -> str:
    """Describe the longest wait: which run, when, how long, and for which slot."""
    name = others[longest.plan].name if longest.plan < len(others) else schedule.name or "This schedule"
    at = _clock_times(schedule, [longest.due])[0]
    pool = longest.state.plan.pool
    slots = f"a slot of the pool {pool}" if pool else f"one of {cap} slots" if cap > 1 else "the only slot"
    wait = duration_text(1000 * round(longest.wait_sec)).replace(".0 s", " s")
    return f"At {at}, “{name}” would wait about {wait} for {slots}: {runs} runs come together."


def _suggestion(schedule: Schedule, day: DayLoad) -> str:
    """Name the nearest shift without a wait."""
    shift = day.free_shift_min()
    if shift is None:
        return (
            "No minute within the hour around it is free: raise the cap, spread the others, "
            "or set shorter time limits."
        )
    way = "later" if shift > 0 else "earlier"
    to = _clock_times(schedule, [day.candidate.dues[0] + 60 * shift])[0]
    return f"{abs(shift)} minutes {way}, next at {to}, nobody would wait."


def _clock_times(schedule: Schedule, stamps: Iterable[float]) -> list[str]:
    """Return moments as clock times in the schedule's zone."""
    here = zone(schedule.timezone)
    return [f"{datetime.fromtimestamp(stamp, UTC).astimezone(here):%H:%M}" for stamp in stamps]
