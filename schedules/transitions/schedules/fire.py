"""Fires due schedules in one transaction: lock, decide, advance, write.

All or nothing: if one of them raises, the others are rolled back, and the tick tries them one by one.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from itertools import chain

from django.db import connection, transaction

from schedules import conf
from schedules.capacity import conditions
from schedules.capacity.conditions import StartConditions
from schedules.capacity.lateness import Delays
from schedules.models import Firing, Run, Schedule
from schedules.models.firing import LONGEST_OUTCOME
from schedules.monitoring import notices
from schedules.states import FiringKind, Outcome, OverlapPolicy, ScheduleStatus
from schedules.transitions.enqueue import enqueue_all
from schedules.transitions.lease import request_cancel
from schedules.transitions.park import withdraw
from schedules.transitions.schedules.decide import DueDecision
from schedules.transitions.schedules.next_instant import MICROSECOND, SKEW, advance, defer
from stagent.lib import wakeup
from stagent.lib.text import clip, sentence

log = logging.getLogger(__name__)

DEFERRED = "Schedule %s (%s) is deferred for chat (%d streaming). It fires by %s at the latest."


def fire_group(ids: Collection[int], situation: StartConditions, delays: Delays | None = None) -> int:
    """Fire those of these schedules that are due; return how many firings were recorded."""
    with transaction.atomic():
        return fire_as_read(_lock(ids, situation), situation, delays)


def fire_as_read(
    schedules: Sequence[Schedule], situation: StartConditions, delays: Delays | None = None
) -> int:
    """Fire due schedules, each only if it is unchanged since it was read. Call it in a transaction."""
    return _write([due for due in _dues(schedules, situation, delays) if _settle(due)])


def lock_recorded(
    schedule_id: int, now: datetime, *, one_shots: bool = True, at_once: bool = False, note: str = ""
) -> Schedule | None:
    """Lock a schedule before a change, after recording what is due; None if it does not exist.

    Every change of the next instant goes through this: what was due before the change fires by the recurrence
    and the policies before it. Chat does not defer it; its run waits in the queue. `one_shots` False leaves a
    due one-shot due; `at_once` ignores the jitter; `note` is added to the reason of what fires. Call it in a
    transaction.
    """
    locked = Schedule.objects.select_for_update(of=("self",)).filter(pk=schedule_id)
    schedule = locked.first()
    if schedule is not None and _delete_future_firings(schedule, now):
        schedule = locked.first()
    if schedule is None or not _is_due(schedule, now, one_shots=one_shots, at_once=at_once):
        return schedule
    situation = conditions.load(now, conf.load())
    dues = _dues([schedule], situation, None)
    dues[0].at_once = at_once
    moved = [due for due in dues if _advance(due)]
    for firing in chain.from_iterable(due.firings for due in moved):
        firing.reason = (
            clip(f"{sentence(firing.reason)} {note}".strip(), LONGEST_OUTCOME)
            if firing.fired_at
            else firing.reason
        )
    _write(moved)
    return locked.first()


def record_move(schedule: Schedule, at: datetime, now: datetime) -> None:
    """Record that a person moved a due one-shot, which has not fired, to another moment."""
    due = schedule.status == ScheduleStatus.ACTIVE and schedule.next_nominal_at
    if not due or schedule.at is None or due > now:
        return
    Firing.objects.create(
        schedule=schedule,
        schedule_name=schedule.name,
        kind=FiringKind(schedule.kind),
        nominal_at=due,
        due_at=due,
        recorded_at=now,
        outcome=Outcome.COALESCED,
        reason=f"It had not fired when it was moved to {at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC.",
    )


def _delete_future_firings(schedule: Schedule, now: datetime) -> bool:
    """Delete what a fast clock recorded for future instants: after a change they may not exist."""
    rows = Firing.objects.of_recurrence().filter(schedule=schedule, fired_at=None)
    if not rows.reaching(now).filter(recorded_at__gt=now + SKEW).delete()[0]:
        return False
    following = schedule.next_nominal_at
    known = min(now, following - MICROSECOND) if following else now
    Schedule.objects.filter(pk=schedule.pk, recorded_until__gt=known).update(recorded_until=known)
    return True


def _is_due(schedule: Schedule, now: datetime, *, one_shots: bool, at_once: bool) -> bool:
    if schedule.status != ScheduleStatus.ACTIVE or (schedule.at is not None and not one_shots):
        return False
    at_once = at_once and schedule.at is None  # a one-shot within its jitter may still be moved
    moment = schedule.next_nominal_at if at_once else schedule.next_fire_at
    return moment is not None and moment <= now


def _lock(ids: Collection[int], situation: StartConditions) -> list[Schedule]:
    """Lock the due schedules, longest due first.

    Rows locked by another tick, edit or ending are skipped and stay due, so that no two processes wait for
    each other.
    """
    skip = connection.features.has_select_for_update_skip_locked
    due = Schedule.objects.due(situation.now).filter(pk__in=ids).order_by("next_fire_at", "pk")
    return list(due.select_for_update(skip_locked=skip, no_key=True))


def _dues(
    schedules: Sequence[Schedule], situation: StartConditions, delays: Delays | None
) -> list[DueDecision]:
    earlier, recorded = _unfinished(schedules, stopped=situation.conf.stopped), _recorded(schedules)
    known = delays or Delays()
    return [
        DueDecision(schedule, situation, known, earlier[schedule.pk], recorded[schedule.pk])
        for schedule in schedules
    ]


def _unfinished(schedules: Iterable[Schedule], *, stopped: bool) -> dict[int, list[Run]]:
    """Return the runs that may block new ones, by schedule."""
    careful = [each.pk for each in schedules if stopped or each.overlap_policy != OverlapPolicy.ALLOW]
    found = defaultdict(list)
    for run in Run.objects.unfinished().filter(schedule__in=careful).only("schedule", "status", "source"):
        found[run.schedule_id or 0].append(run)
    return found


RECORDED = ("schedule", "nominal_at", "last_nominal_at", "recorded_at", "fired_at")


def _recorded(schedules: Sequence[Schedule]) -> dict[int, list[Firing]]:
    """Return the firings that cover what is due, by schedule; none, unless a clock was wrong."""
    found = defaultdict(list)
    since = min((one.next_nominal_at for one in schedules if one.next_nominal_at), default=None)
    if since is not None:
        rows = Firing.objects.of_recurrence().filter(schedule__in=[one.pk for one in schedules])
        for row in rows.reaching(since).only(*RECORDED):
            found[row.schedule_id or 0].append(row)
    return found


def _settle(due: DueDecision) -> bool:
    """Defer for chat, or decide and advance; return whether there is something to write."""
    if until := due.deferred_until_for_chat():
        if due.schedule.deferred_until is None:  # a line when it begins, none for each time it goes on
            latest = due.due_at + due.situation.conf.chat_max_delay
            log.info(DEFERRED, due.schedule.pk, due.schedule.name, due.situation.live_streams, latest)
        defer(due.schedule, until)
        return False
    return _advance(due)


def _advance(due: DueDecision) -> bool:
    due.decide()
    fired, was_ahead = len(due.runs), bool(due.uncredible)
    return advance(due.schedule, due.following, fired=fired, now=due.now, was_ahead=was_ahead)


def _write(dues: Sequence[DueDecision]) -> int:
    """Write the firings, queue the runs, and cancel the runs they replace."""
    if not dues:
        return 0
    if uncredible := [row.pk for due in dues for row in due.uncredible]:
        Firing.objects.filter(pk__in=uncredible).delete()
    firings = Firing.objects.bulk_create(chain.from_iterable(due.firings for due in dues))
    runs = list(chain.from_iterable(due.runs for due in dues))
    for run in runs:
        run.firing = run.firing  # assign again: copies the id that bulk_create has set
    for due in dues:
        _cancel_replaced(due)
    enqueue_all(runs)
    for firing in firings:
        if firing.outcome == Outcome.MISSED:
            notices.notify_missed_one_shot(firing, dues[0].now)
    wakeup.notify()
    return len(firings)


def _cancel_replaced(due: DueDecision) -> None:
    reason = "Replaced by a newer firing."
    for run in due.to_cancel:
        withdraw(run.pk, now=due.now, reason=reason) or request_cancel(run.pk, reason=reason, now=due.now)
