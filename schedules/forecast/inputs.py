"""Reads what the simulation needs: active schedules, running and queued runs, pools."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache

from django.db.models import FloatField
from django.db.models.functions import Cast

from schedules.capacity.blockers import startable
from schedules.capacity.conditions import StartConditions
from schedules.forecast.duration_history import History
from schedules.forecast.estimates import DurationEstimates, StepEstimates
from schedules.forecast.eta import expected_end
from schedules.forecast.schedule_summary import ScheduleSummary, load_rows
from schedules.forecast.simulation import Arrival, SimSchedule, arrivals
from schedules.forecast.upcoming import Window
from schedules.models import Firing, Pool, Run, Schedule
from schedules.states import PRIORITY_STEP_SEC, OverlapPolicy
from schedules.timing.active_hours import has_quiet_hours
from schedules.timing.misfires import default_grace
from schedules.timing.recurrence import jittered
from schedules.transitions.schedules.decide import QUEUE_PATIENCE

MOST_SCHEDULES = 5000  # that are looked at, those that fire first
MOST_QUEUED = 1000
PRICED_FIRINGS = 5000  # the newest, from which the usual cost is taken


@dataclass(frozen=True)
class PlannedSchedule:
    """A schedule and what one of its runs takes."""

    schedule_id: int | None
    name: str
    timezone: str
    plan: SimSchedule
    turns: float = 0.0
    cost_usd: float | None = 0.0  # None: at a price that is not known
    movable_cron: str = ""  # empty where moving it by minutes could make or lose an instant


@dataclass(frozen=True)
class ForecastInput:
    """The input of the simulation; `running` and `queued` refer to planned schedules by index."""

    planned: list[PlannedSchedule]
    pools: dict[str, int]
    running: list[tuple[int, datetime, datetime]] = field(default_factory=list)  # since and until when
    queued: list[tuple[int, datetime]] = field(default_factory=list)  # since when, first in line in front
    omitted: int = 0  # schedules beyond the most that are looked at
    stopped: bool = False  # all scheduled work is: the times are those if it starts again now

    @cached_property
    def arrivals(self) -> list[Arrival]:
        """Every future firing in order, shared by all simulated caps."""
        return arrivals([one.plan for one in self.planned])


def load(situation: StartConditions, until: datetime) -> ForecastInput:
    """Read the active schedules and the running and queued runs."""
    due = Schedule.objects.active().filter(next_nominal_at__lte=until).order_by("next_nominal_at", "pk")
    schedules = list(load_rows(due[:MOST_SCHEDULES]))
    omitted = due.count() - MOST_SCHEDULES if len(schedules) == MOST_SCHEDULES else 0
    durations = DurationEstimates(situation.conf)
    planned = _planned_schedules(schedules, situation, until, durations)
    pools = dict(Pool.objects.values_list("name", "size"))
    workload = ForecastInput(planned, pools, omitted=omitted, stopped=situation.conf.stopped)
    _add_current_runs(workload, situation, durations)
    return workload


def _planned_schedules(
    schedules: Sequence[ScheduleSummary],
    situation: StartConditions,
    until: datetime,
    durations: DurationEstimates,
) -> list[PlannedSchedule]:
    weights, prices = StepEstimates(schedules, situation.conf), CostEstimates()
    window, found = Window(situation.now, until), []
    for schedule in schedules:
        turns = weights.of(schedule)
        plan = _plan(schedule, window.stamps(schedule), durations.of(schedule))
        cost = prices.of(schedule.pk, turns)
        cron = _movable_cron(schedule, situation.now)
        found.append(PlannedSchedule(schedule.pk, schedule.name, schedule.timezone, plan, turns, cost, cron))
    return found


def _movable_cron(schedule: ScheduleSummary, now: datetime) -> str:
    bounded = schedule.ends_at is not None or (schedule.starts_at is not None and schedule.starts_at > now)
    return "" if bounded or has_quiet_hours(schedule) else schedule.cron


def _plan(schedule: ScheduleSummary, stamps: Sequence[int], takes_sec: float) -> SimSchedule:
    period = stamps[1] - stamps[0] if len(stamps) > 1 else None
    return SimSchedule(
        dues=[_with_jitter(schedule, *pair) for pair in zip(stamps, [*stamps[1:], None], strict=True)]
        if schedule.jitter_sec
        else stamps,
        most=schedule.firings_left,
        takes_sec=takes_sec,
        patience_sec=_patience_sec(period, schedule.misfire_grace_sec) + schedule.jitter_sec,
        overlap=schedule.overlap_policy,
        head_start_sec=schedule.priority * PRIORITY_STEP_SEC,
        pool=schedule.pool_id or "",
    )


@lru_cache(maxsize=1024)
def _patience_sec(period_sec: int | None, grace_sec: int | None) -> float:
    """Return how long a run may wait in the queue before it expires."""
    usual = default_grace(None if period_sec is None else timedelta(seconds=period_sec))
    grace = usual if grace_sec is None else timedelta(seconds=grace_sec)
    return (grace + QUEUE_PATIENCE).total_seconds()


def _with_jitter(schedule: ScheduleSummary, stamp: int, following: int | None) -> float:
    nominal = datetime.fromtimestamp(stamp, UTC)
    latest = None if following is None else datetime.fromtimestamp(following, UTC)
    return jittered(schedule.pk, nominal, schedule.jitter_sec, latest).timestamp()


def _add_current_runs(
    workload: ForecastInput, situation: StartConditions, durations: DurationEstimates
) -> None:
    """Add the running and queued runs: their firings are past, but they use slots."""
    now, conf = situation.now, situation.conf
    numbers = {one.schedule_id: number for number, one in enumerate(workload.planned)}

    def number_of(run: Run) -> int:
        if run.schedule_id in numbers:
            return numbers[run.schedule_id]
        plan = SimSchedule(takes_sec=durations.of(run.schedule), overlap=OverlapPolicy.ALLOW, pool=run.pool)
        workload.planned.append(PlannedSchedule(run.schedule_id, run.schedule_name, "UTC", plan))
        return len(workload.planned) - 1

    history = History(conf)
    for run in Run.objects.running().select_related("schedule"):
        ends_at = expected_end(run, history, now)
        workload.running.append((number_of(run), run.slot_claimed_at or now, ends_at))
    # A forecast tells what happens once work may start: a scheduler is there, and the switch is off.
    able = replace(situation, nobody_starts=False, conf=replace(conf, scheduled_work_stopped=0))
    for run in startable(able).select_related("schedule")[:MOST_QUEUED]:
        workload.queued.append((number_of(run), run.queued_at))


class CostEstimates:
    """The expected cost of a firing: the schedule's own average, else its steps at the average price of a
    step.
    """

    def __init__(self) -> None:
        worked = Firing.objects.filter(turn_count__gt=0).order_by("-nominal_at")
        self._unknown: set[int | None] = set()  # the schedules whose newest firings have no known price
        self._costs = defaultdict[int | None, list[float]](list)
        total = turns = 0.0
        usd = Cast("cost_usd", FloatField())  # a Decimal costs more to make than all the rest of the row
        for schedule_id, cost, count in worked.values_list("schedule", usd, "turn_count")[:PRICED_FIRINGS]:
            if cost is None:
                self._unknown |= {schedule_id} - self._costs.keys()
                continue
            self._costs[schedule_id].append(cost)
            total, turns = total + cost, turns + (count or 0)
        self._per_turn = total / turns if turns else 0.0

    def of(self, schedule_id: int, turns: float) -> float | None:
        """Return USD; None if the schedule's newest firings used a model without a known price."""
        if schedule_id in self._unknown:
            return None
        own = self._costs.get(schedule_id)
        return sum(own) / len(own) if own else turns * self._per_turn
