"""Moving schedules apart: a proposal with its effect, and its application to the ones that were chosen."""

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
TOO_NEAR = "its instant is too near: moved now it would fire twice, or not at all. Try again in a few minutes"
CHANGED = "it was changed in the meantime"


@dataclass(frozen=True)
class StaggerStep:
    """A schedule that is to be moved."""

    schedule: PlannedSchedule
    move: Move

    @property
    def token(self) -> str:
        """Name the move in a form, with the expression it was proposed for."""
        return f"{self.move.key}:{self.move.by}:{self.move.before}"


@dataclass(frozen=True)
class Proposal:
    """The moves, heaviest schedule first, and the coming hours without and with them."""

    steps: list[StaggerStep]
    peak_before: int
    peak_after: int
    before: Forecast
    after: Forecast


@dataclass(frozen=True)
class Applied:
    """Which schedules were moved, and which were not and why."""

    moved: list[str]
    kept: list[tuple[str, str]]


def propose(outlook: ForecastInput, before: Forecast, among: Collection[int] = ()) -> Proposal:
    """Return what to move, of all schedules or of some; `before` is the same outlook, played."""
    plan = stagger_solver.flatten([_flow(number, one, among) for number, one in enumerate(outlook.likely)])
    steps = [
        StaggerStep(one := outlook.likely[move.key], replace(move, key=one.schedule_id or 0))
        for move in plan.moves
    ]
    steps.sort(key=lambda step: (-step.schedule.turns, step.schedule.name, step.move.key))
    by = {move.key: move.by for move in plan.moves}
    likely = [_later(one, by.get(number, 0)) for number, one in enumerate(outlook.likely)]
    after = play(replace(outlook, likely=likely), now=before.now, until=before.until, cap=before.cap)
    return Proposal(steps, plan.peak_before, plan.peak_after, before, after if by else before)


def _flow(number: int, one: PlannedSchedule, among: Collection[int]) -> ScheduleLoad:
    """Return a likely schedule by its number in the outlook; the schedules of today's runs have no dues."""
    movable = bool(one.schedule_id) and (not among or one.schedule_id in among)
    minutes = sorted({int(due) // MINUTE for due in one.plan.dues[: one.plan.most]})
    return ScheduleLoad(number, one.turns, minutes, one.movable_cron if movable and minutes else "")


def _later(one: PlannedSchedule, by: int) -> PlannedSchedule:
    if not by:
        return one
    return replace(one, plan=replace(one.plan, dues=[due + by * MINUTE for due in one.plan.dues]))


def apply(tokens: Collection[str], user: AbstractBaseUser, now: datetime) -> Applied:
    """Move the chosen schedules; one that is no longer as it was when it was chosen stays as it is."""
    applied = Applied([], [])
    for token in tokens:
        number, by, believed = (*token.split(":", 2), "", "")[:3]
        if number.isdecimal() and by.removeprefix("-").isdecimal():
            _apply(int(number[:18]), int(by[:4]), believed, user, now, applied)
    return applied


@transaction.atomic
def _apply(
    number: int, by: int, believed: str, user: AbstractBaseUser, now: datetime, applied: Applied
) -> None:
    schedule = Schedule.objects.select_for_update().filter(pk=number).first()
    if schedule is None:
        return
    if schedule.cron != believed or schedule.status != ScheduleStatus.ACTIVE:
        applied.kept.append((schedule.name, CHANGED))
    elif not (cron := stagger_solver.moved(believed, by)) or by not in stagger_solver.shifts(believed):
        applied.kept.append((schedule.name, "that is no move of a few minutes within its hour"))
    elif not _same_instant_follows(schedule, cron, by, now):
        applied.kept.append((schedule.name, TOO_NEAR))
    else:
        schedule_writer.save(schedule, {"cron": cron}, now=now)
        audit_log.record(
            user, schedule, audit_log.CHANGE, f"Staggered: moved by {by:+d} min, from {believed} to {cron}."
        )
        applied.moved.append(schedule.name)


def _same_instant_follows(schedule: Schedule, cron: str, by: int, now: datetime) -> bool:
    """Tell whether the next instant stays the same one: not fired already, not yet to be passed over."""
    next_now = schedule.recurrence.next_after(now)
    next_then = replace(schedule.recurrence, cron=cron).next_after(now)
    if next_now is None or next_then is None or schedule.next_nominal_at != next_now.at:
        return False
    return next_then.at - next_now.at == timedelta(minutes=by)
