"""Due schedules dealt with in one transaction: locked, decided about, moved on, and all of it written down.

All or nothing: what raises for one of them undoes the others, and the tick tries them one by one.
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
from schedules.transitions.schedules.next_instant import MICROSECOND, SKEW, defer, move_on
from stagent.lib import wakeup
from stagent.lib.text import clip, sentence

log = logging.getLogger("stagent.loop")

DEFERRED = "Schedule %s (%s) is deferred for chat (%d streaming). It fires by %s at the latest."


def fire_group(ids: Collection[int], situation: StartConditions, delays: Delays | None = None) -> int:
    """Settle those of these schedules that are due; return how many firings were recorded."""
    with transaction.atomic():
        return fire_as_read(_lock(ids, situation), situation, delays)


def fire_as_read(
    schedules: Sequence[Schedule], situation: StartConditions, delays: Delays | None = None
) -> int:
    """Settle due schedules, each only if it is still as it was read. Belongs into a transaction."""
    return _write([due for due in _dues(schedules, situation, delays) if _settle(due)])


def lock_recorded(
    schedule_id: int, now: datetime, *, one_shots: bool = True, at_once: bool = False, note: str = ""
) -> Schedule | None:
    """Lock a schedule before it is changed, once what is due of it is recorded; None when there is none.

    The one door of all who move the next instant: what came due before a change fires by the rhythm and the
    policies before it. Nobody who chats defers it here: its run waits in the queue. `one_shots` False leaves
    a due one-shot due; `at_once` does not wait for the jitter of an instant; `note` is added to the reason of
    what fires. Belongs into a transaction.
    """
    locked = Schedule.objects.select_for_update(of=("self",)).filter(pk=schedule_id)
    schedule = locked.first()
    if schedule is not None and _forget_the_future(schedule, now):
        schedule = locked.first()
    if schedule is None or not _is_due(schedule, now, one_shots=one_shots, at_once=at_once):
        return schedule
    situation = conditions.load(now, conf.load())
    dues = _dues([schedule], situation, None)
    dues[0].at_once = at_once
    moved = [due for due in dues if _move_on(due)]
    for firing in chain.from_iterable(due.firings for due in moved):
        firing.reason = (
            clip(f"{sentence(firing.reason)} {note}".strip(), LONGEST_OUTCOME)
            if firing.fired_at
            else firing.reason
        )
    _write(moved)
    return locked.first()


def record_moved(schedule: Schedule, at: datetime, now: datetime) -> None:
    """Record of a one-shot that is due, and has not fired, that a person moves it to another moment."""
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
        reason=f"It had not fired yet when it was moved to {at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC.",
    )


def _forget_the_future(schedule: Schedule, now: datetime) -> bool:
    """Delete what a clock that was ahead recorded of instants to come: a change may mean that none comes."""
    rows = Firing.objects.by_rhythm().filter(schedule=schedule, fired_at=None)
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
    """Lock what is due, the longest due first.

    What another process is just ticking, editing or ending a run of is passed over, and is due again at once:
    so no two processes can wait for each other, in whatever order each takes several.
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
    """Return the runs that may stand in the way of new ones, by schedule."""
    careful = [each.pk for each in schedules if stopped or each.overlap_policy != OverlapPolicy.ALLOW]
    found = defaultdict(list)
    for run in Run.objects.unfinished().filter(schedule__in=careful).only("schedule", "status", "source"):
        found[run.schedule_id or 0].append(run)
    return found


RECORDED = ("schedule", "nominal_at", "last_nominal_at", "recorded_at", "fired_at")


def _recorded(schedules: Sequence[Schedule]) -> dict[int, list[Firing]]:
    """Return the firings that reach what is due, by schedule: none, unless a clock was wrong."""
    found = defaultdict(list)
    since = min((one.next_nominal_at for one in schedules if one.next_nominal_at), default=None)
    if since is not None:
        rows = Firing.objects.by_rhythm().filter(schedule__in=[one.pk for one in schedules])
        for row in rows.reaching(since).only(*RECORDED):
            found[row.schedule_id or 0].append(row)
    return found


def _settle(due: DueDecision) -> bool:
    """Step back for chat, or decide and move past every due instant; tell whether there is more to write."""
    if until := due.steps_back_until():
        if due.schedule.deferred_until is None:  # a line when it begins, none for each time it goes on
            latest = due.due_at + due.situation.conf.chat_max_delay
            log.info(DEFERRED, due.schedule.pk, due.schedule.name, due.situation.live_streams, latest)
        defer(due.schedule, until)
        return False
    return _move_on(due)


def _move_on(due: DueDecision) -> bool:
    due.decide()
    fired, was_ahead = len(due.runs), bool(due.disbelieved)
    return move_on(due.schedule, due.following, fired=fired, now=due.now, was_ahead=was_ahead)


def _write(dues: Sequence[DueDecision]) -> int:
    """Write the firings and queue the runs; clear the way for those that want it."""
    if not dues:
        return 0
    if disbelieved := [row.pk for due in dues for row in due.disbelieved]:
        Firing.objects.filter(pk__in=disbelieved).delete()
    firings = Firing.objects.bulk_create(chain.from_iterable(due.firings for due in dues))
    runs = list(chain.from_iterable(due.runs for due in dues))
    for run in runs:
        run.firing = run.firing  # which has its id only now
    for due in dues:
        _clear_the_way(due)
    enqueue_all(runs)
    for firing in firings:
        if firing.outcome == Outcome.MISSED:
            notices.notify_missed_one_shot(firing, dues[0].now)
    wakeup.notify()
    return len(firings)


def _clear_the_way(due: DueDecision) -> None:
    reason = "Superseded by a newer firing."
    for run in due.to_cancel:
        withdraw(run.pk, now=due.now, reason=reason) or request_cancel(run.pk, reason=reason, now=due.now)
