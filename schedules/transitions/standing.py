"""The arrows of a schedule: paused, resumed, completed, removed, deferred, moved to its next instant."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max

from agents import leaves
from schedules import statements
from schedules.calendar import Instant, jittered
from schedules.models import Firing, Run, Schedule
from schedules.models.schedule import ScheduleQuerySet
from schedules.states import FiringKind, ScheduleStatus
from schedules.transitions.holding import request_cancel
from schedules.transitions.parking import withdraw
from stagent.lib import bell

MOMENT = timedelta(microseconds=1)
NO_NEXT: dict[str, Any] = {
    "next_nominal_at": None,
    "next_fire_at": None,
    "next_dst_shifted": False,
    "deferred_until": None,
}


def next_columns(schedule: Schedule, instant: Instant | None) -> dict[str, Any]:
    """Return the columns that say when a schedule fires next, jitter included."""
    if instant is None:
        return NO_NEXT
    following = schedule.recurrence.next_after(instant.at) if schedule.jitter_sec else None
    no_later_than = following.at if following else None
    return {
        "next_nominal_at": instant.at,
        "next_fire_at": jittered(schedule.pk, instant.at, schedule.jitter_sec, no_later_than),
        "next_dst_shifted": instant.dst_shifted,
        "deferred_until": None,
    }


def next_from(schedule: Schedule, now: datetime) -> Instant | None:
    """Return the first instant after now that no firing tells of: who waited for a lock, or whose clock was
    set back, has an old idea of now, and an instant that fired once must not come again.
    """
    recorded = Firing.objects.filter(schedule=schedule).exclude(kind=FiringKind.MANUAL)
    last = recorded.aggregate(at=Max("nominal_at"))["at"]
    return schedule.recurrence.next_after(max(now, last) if last else now)


def move_on(schedule: Schedule, following: Instant | None, *, fired: int, now: datetime) -> bool:
    """Move a schedule past its due instant: compare-and-set on `next_fire_at`, the tick's one right to fire.

    Without a following instant, or when it has fired as often as it may, it is completed.
    """
    count = schedule.firing_count + fired
    if fired and schedule.max_firings and count >= schedule.max_firings:
        following = None
    changed = statements.MOVE_ON(
        schedule_id=schedule.pk,
        fire_at_as_read=schedule.next_fire_at,
        updated_at_as_read=schedule.updated_at,
        status=ScheduleStatus.ACTIVE if following else ScheduleStatus.COMPLETED,
        firing_count=count,
        last_fired_at=now if fired else schedule.last_fired_at,
        **next_columns(schedule, following),
    )
    return changed == 1


def _as_read(schedule: Schedule) -> ScheduleQuerySet:
    """Match the schedule only if it is still as it was read: neither ticked nor edited since."""
    return Schedule.objects.active().filter(
        pk=schedule.pk, next_fire_at=schedule.next_fire_at, updated_at=schedule.updated_at
    )


def defer(schedule: Schedule, until: datetime) -> bool:
    """Let a due schedule step back for a while; its nominal instant is kept."""
    mine = _as_read(schedule)
    return mine.update(deferred_until=until) == 1


def pause(schedule_id: int, *, reason: str = "") -> bool:
    """Pause an active schedule; False when it is not active. Its queued runs wait, its running ones go on."""
    active = Schedule.objects.active().filter(pk=schedule_id)
    return active.update(status=ScheduleStatus.PAUSED, paused_reason=reason[:300], **NO_NEXT) == 1


def resume(schedule_id: int, *, now: datetime) -> bool:
    """Let a paused schedule go on from now, with its streaks forgiven: paused time is not missed time."""
    with transaction.atomic():
        paused = Schedule.objects.select_for_update().filter(pk=schedule_id, status=ScheduleStatus.PAUSED)
        schedule = paused.first()
        if schedule is None:
            return False
        following = next_from(schedule, now)
        values = next_columns(schedule, following)
        status = ScheduleStatus.ACTIVE if following else ScheduleStatus.COMPLETED
        forgiven = {"failure_streak": 0, "turn_budget_breach_streak": 0, "paused_reason": ""}
        paused.update(status=status, **forgiven, **values)
        bell.ring()
    return True


def restore(schedule_id: int, status: str, *, reason: str, now: datetime) -> bool:
    """Give a schedule that was just made, paused, the status that a file has kept for it.

    An active one-shot is due at its moment, past or not: what becomes of it is the tick's to say.
    """
    paused = Schedule.objects.filter(pk=schedule_id, status=ScheduleStatus.PAUSED)
    schedule = paused.get()
    values: dict[str, Any] = NO_NEXT | {"status": status}
    if status == ScheduleStatus.PAUSED:
        values["paused_reason"] = reason
    elif status == ScheduleStatus.ACTIVE:
        following = schedule.recurrence.next_after(min(now, schedule.at - MOMENT) if schedule.at else now)
        values |= next_columns(schedule, following)
        values["status"] = ScheduleStatus.ACTIVE if following else ScheduleStatus.COMPLETED
    return paused.update(**values) == 1


def forgive(schedule_id: int) -> bool:
    """Let all three streaks begin anew, on a person's word; the schedule's status stays."""
    mine = Schedule.objects.filter(pk=schedule_id)
    return mine.update(failure_streak=0, turn_budget_breach_streak=0, slow_streak=0) == 1


def remove(schedule_id: int, *, now: datetime) -> bool:
    """Delete a schedule; its waiting runs are withdrawn, its running ones asked to stop; history stays."""
    reason = "Its schedule was deleted."
    with transaction.atomic():
        # The lock first: a tick or a request that is just queueing a run of it ends before we look.
        schedule = Schedule.objects.select_for_update().filter(pk=schedule_id).first()
        if schedule is None:
            return False
        for run_id in Run.objects.unfinished().filter(schedule=schedule_id).values_list("pk", flat=True):
            _stop(run_id, reason, now)
        leaves.end_all([leaves.in_schedule(schedule_id)])
        schedule.delete()
        bell.ring()
    return True


def _stop(run_id: int, reason: str, now: datetime) -> bool:
    """Withdraw a queued run or ask a running one to stop; asked again for one that was just queued again."""
    return (
        withdraw(run_id, now=now, reason=reason)
        or request_cancel(run_id, reason=reason, now=now)
        or withdraw(run_id, now=now, reason=reason)
    )
