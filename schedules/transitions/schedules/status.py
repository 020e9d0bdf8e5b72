"""The arrows of a schedule: pause, resume, restore, remove. What is due is recorded first."""

from datetime import datetime
from typing import Any

from django.db import transaction

from agents.approvals import standing
from schedules.models import Run, Schedule
from schedules.models.schedule import LONGEST_REASON
from schedules.states import ScheduleStatus
from schedules.transitions.lease import request_cancel
from schedules.transitions.park import withdraw
from schedules.transitions.schedules import fire
from schedules.transitions.schedules.next_instant import NO_NEXT, next_columns, next_from
from stagent.lib import wakeup
from stagent.lib.text import clip

PAUSED_THEN = "The schedule was paused after it came due; its run starts when the schedule is resumed."


def pause(schedule_id: int, *, now: datetime, reason: str = "") -> bool:
    """Pause an active schedule; return False if it is not active. Queued runs wait, running ones go on.

    What was due before is recorded, and its run waits until the schedule is resumed; a one-shot keeps its
    moment and fires after the pause, unless it has expired.
    """
    with transaction.atomic():
        schedule = fire.lock_recorded(schedule_id, now, one_shots=False, at_once=True, note=PAUSED_THEN)
        if schedule is None or schedule.status != ScheduleStatus.ACTIVE:
            return False
        _write(
            schedule,
            NO_NEXT
            | {
                "status": ScheduleStatus.PAUSED,
                "paused_reason": clip(reason, LONGEST_REASON),
                "paused_at": now,
            },
        )
    return True


def resume(schedule_id: int, *, now: datetime) -> bool:
    """Resume a paused schedule from now and reset its streaks; instants during the pause are not missed."""
    with transaction.atomic():
        paused = Schedule.objects.select_for_update().filter(pk=schedule_id, status=ScheduleStatus.PAUSED)
        schedule = paused.first()
        if schedule is None:
            return False
        forgiven = {"failure_streak": 0, "turn_budget_breach_streak": 0, "paused_reason": ""}
        _write(schedule, restarted(schedule, now) | forgiven | {"resumed_at": now})
        wakeup.notify()
    return True


def restore(schedule_id: int, status: str, *, reason: str, now: datetime) -> bool:
    """Set the status that a file has stored on a schedule that was just created as paused.

    An active one-shot is due at its moment, past or not; the tick decides on it.
    """
    paused = Schedule.objects.filter(pk=schedule_id, status=ScheduleStatus.PAUSED)
    schedule = paused.get()
    values: dict[str, Any] = NO_NEXT | {"status": status}
    if status == ScheduleStatus.PAUSED:
        values["paused_reason"] = reason
    elif status == ScheduleStatus.ACTIVE:
        values = restarted(schedule, now)
    return paused.update(**values) == 1


def restarted(schedule: Schedule, now: datetime) -> dict[str, Any]:
    """Return the columns of a schedule that starts from now, or that is completed."""
    following = None if schedule.firings_left == 0 else next_from(schedule, now)
    status = ScheduleStatus.ACTIVE if following else ScheduleStatus.COMPLETED
    return next_columns(schedule, following) | {"status": status, "recorded_until": now}


def _write(schedule: Schedule, columns: dict[str, Any]) -> None:
    Schedule.objects.filter(pk=schedule.pk).update(**columns)


def forgive(schedule_id: int) -> bool:
    """Reset all three streaks; the status is unchanged."""
    mine = Schedule.objects.filter(pk=schedule_id)
    return mine.update(failure_streak=0, turn_budget_breach_streak=0, slow_streak=0) == 1


def remove(schedule_id: int, *, now: datetime) -> bool:
    """Delete a schedule; cancel its waiting runs, request that running ones stop, keep its history."""
    reason = "Its schedule was deleted."
    with transaction.atomic():
        # The lock first: a tick or a request that is just queueing a run of it ends before we look.
        schedule = fire.lock_recorded(schedule_id, now)
        if schedule is None:
            return False
        for run_id in Run.objects.unfinished().filter(schedule=schedule_id).values_list("pk", flat=True):
            _stop(run_id, reason, now)
        standing.revoke_all([standing.schedule_scope(schedule_id)])
        schedule.delete()
        wakeup.notify()
    return True


def _stop(run_id: int, reason: str, now: datetime) -> bool:
    """Cancel a queued run or request that a running one stops; repeated for one that was just requeued."""
    return (
        withdraw(run_id, now=now, reason=reason)
        or request_cancel(run_id, reason=reason, now=now)
        or withdraw(run_id, now=now, reason=reason)
    )
