"""Proposes moves that spread schedules, and applies the chosen ones."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from schedules.forecast import stagger_solver
from schedules.forecast.forecast import Forecast, play
from schedules.forecast.inputs import ForecastInput, PlannedSchedule
from schedules.forecast.stagger_solver import Move, ScheduleLoad
from schedules.models import Schedule
from schedules.services import schedule_writer
from schedules.states import ScheduleStatus
from stagent.lib.log import audit_log

MINUTE = 60
TOO_NEAR = "its next instant is too close: it could fire twice or not at all. Try again in a few minutes"
CHANGED = "it was changed meanwhile"


@dataclass(frozen=True)
class StaggerStep:
    """A proposed move of one schedule."""

    schedule: PlannedSchedule
    move: Move

    @property
    def token(self) -> str:
        """Identify the move in a form, with the expression it was proposed for."""
        return f"{self.move.key}:{self.move.by}:{self.move.before}"


@dataclass(frozen=True)
class Proposal:
    """The moves, heaviest schedule first, and the forecasts without and with them."""

    steps: list[StaggerStep]
    peak_before: int
    peak_after: int
    before: Forecast
    after: Forecast


@dataclass(frozen=True)
class Applied:
    """The schedules that were moved, and those that were not with the reason."""

    moved: list[str]
    kept: list[tuple[str, str]]


def propose(workload: ForecastInput, before: Forecast, among: Collection[int] = ()) -> Proposal:
    """Propose moves for all schedules or for some; `before` is the simulated workload."""
    plan = stagger_solver.flatten(
        [_load_of(number, one, among) for number, one in enumerate(workload.planned)]
    )
    steps = [
        StaggerStep(one := workload.planned[move.key], replace(move, key=one.schedule_id or 0))
        for move in plan.moves
    ]
    steps.sort(key=lambda step: (-step.schedule.turns, step.schedule.name, step.move.key))
    by = {move.key: move.by for move in plan.moves}
    planned = [_later(one, by.get(number, 0)) for number, one in enumerate(workload.planned)]
    after = play(replace(workload, planned=planned), now=before.now, until=before.until, cap=before.cap)
    return Proposal(steps, plan.peak_before, plan.peak_after, before, after if by else before)


def _load_of(number: int, one: PlannedSchedule, among: Collection[int]) -> ScheduleLoad:
    """Return the load of a planned schedule; schedules of current runs have no instants."""
    movable = bool(one.schedule_id) and (not among or one.schedule_id in among)
    minutes = sorted({int(due) // MINUTE for due in one.plan.dues[: one.plan.most]})
    return ScheduleLoad(number, one.turns, minutes, one.movable_cron if movable and minutes else "")


def _later(one: PlannedSchedule, by: int) -> PlannedSchedule:
    if not by:
        return one
    return replace(one, plan=replace(one.plan, dues=[due + by * MINUTE for due in one.plan.dues]))


def apply(tokens: Collection[str], user: AbstractBaseUser, now: datetime) -> Applied:
    """Apply the chosen moves; a schedule that was edited meanwhile is left unchanged."""
    applied = Applied([], [])
    for token in tokens:
        number, by, cron_before = (*token.split(":", 2), "", "")[:3]
        if number.isdecimal() and by.removeprefix("-").isdecimal():
            _apply(int(number[:18]), int(by[:4]), cron_before, user, now, applied)
    return applied


@transaction.atomic
def _apply(
    number: int, by: int, cron_before: str, user: AbstractBaseUser, now: datetime, applied: Applied
) -> None:
    schedule = Schedule.objects.select_for_update().filter(pk=number).first()
    if schedule is None:
        return
    if schedule.cron != cron_before or schedule.status != ScheduleStatus.ACTIVE:
        applied.kept.append((schedule.name, CHANGED))
    elif not (cron := stagger_solver.moved(cron_before, by)) or by not in stagger_solver.shifts(cron_before):
        applied.kept.append((schedule.name, "this move does not stay within the hour"))
    elif not _same_instant_follows(schedule, cron, by, now):
        applied.kept.append((schedule.name, TOO_NEAR))
    else:
        schedule_writer.save(schedule, {"cron": cron}, now=now)
        audit_log.record(
            user,
            schedule,
            audit_log.CHANGE,
            f"Staggered: moved by {by:+d} min, from {cron_before} to {cron}.",
        )
        applied.moved.append(schedule.name)


def _same_instant_follows(schedule: Schedule, cron: str, by: int, now: datetime) -> bool:
    """Return whether the next instant stays the same: neither fired already nor skipped by the move."""
    next_now = schedule.recurrence.next_after(now)
    next_then = replace(schedule.recurrence, cron=cron).next_after(now)
    if next_now is None or next_then is None or schedule.next_nominal_at != next_now.at:
        return False
    return next_then.at - next_now.at == timedelta(minutes=by)
