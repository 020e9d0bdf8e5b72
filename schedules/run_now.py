"""Run a schedule now: honour the cap, queue on request, or force with an audit trail."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction

from agents import budgets
from agents.budgets import Spender
from agents.states import Activity
from schedules import conf as settings
from schedules.errors import CapacityFull, NoRoom, NoScheduler, Quicker
from schedules.eta import Forecast
from schedules.models import Firing, Run, Schedule, Scheduler
from schedules.models.run import UNADOPTED
from schedules.states import FiringKind, Outcome, Source
from schedules.transitions import claim, enqueue
from stagent.lib import bell

ADOPTION_TTL = timedelta(seconds=10)  # a claimed run that no scheduler took over by then is queued again
QUEUE_PATIENCE = timedelta(days=1)
TRIES = 20


@dataclass(frozen=True)
class Started:
    """What became of the request: a run that holds its slot, or one in the queue."""

    run: Run
    queued: bool
    repeated: bool = False  # an earlier request with this key had made it


def execute(
    schedule: Schedule,
    *,
    user: AbstractBaseUser | None,
    now: datetime,
    queue: bool = False,
    force: bool = False,
    reason: str = "",
    idempotency_key: str = "",
) -> Started:
    """Start a run of a schedule, paused or not.

    `CapacityFull` when the cap is full and neither `queue` nor an overflow slot helps (no row is left
    behind), `NoScheduler` when nobody would take it over. Who may force is the caller's to check.
    """
    key = _scoped(idempotency_key, user)
    if key and (earlier := Run.objects.filter(idempotency_key=key).first()):
        return Started(earlier, queued=earlier.slot_claimed_at is None, repeated=True)
    if not queue and not Scheduler.objects.alive(now).executing().exists():
        raise NoScheduler
    try:
        return _execute(schedule, user, now, queue=queue, force=force, reason=reason, key=key)
    except IntegrityError:
        if key and (earlier := Run.objects.filter(idempotency_key=key).first()):
            return Started(earlier, queued=earlier.slot_claimed_at is None, repeated=True)
        raise


def _scoped(key: str, user: AbstractBaseUser | None) -> str:
    return f"{user.pk if user else 0}:{uuid.uuid5(uuid.NAMESPACE_URL, key)}" if key else ""


def _execute(
    schedule: Schedule,
    user: AbstractBaseUser | None,
    now: datetime,
    *,
    queue: bool,
    force: bool,
    reason: str,
    key: str,
) -> Started:
    conf = settings.load()
    for _ in range(TRIES):
        try:
            with transaction.atomic():
                run = _enqueue(schedule, user, now, force=force, key=key)
                claim(run, holder=UNADOPTED, now=now, conf=conf, ttl=ADOPTION_TTL)
                if force:
                    _audit(run, user, reason, now)
                bell.ring()
            return Started(Run.objects.get(pk=run.pk), queued=False)
        except Quicker:
            continue
        except NoRoom:
            break
    if not queue:
        raise _full(now)
    with transaction.atomic():
        run = _enqueue(schedule, user, now, force=False, key=key)
        bell.ring()
    return Started(run, queued=True)


def _enqueue(
    schedule: Schedule, user: AbstractBaseUser | None, now: datetime, *, force: bool, key: str
) -> Run:
    firing = Firing.objects.create(
        schedule=schedule,
        schedule_name=schedule.name,
        kind=FiringKind.MANUAL,
        nominal_at=now,
        due_at=now,
        fired_at=now,
        outcome=Outcome.FIRED,
        reason="Forced." if force else "",
        deferral_ms=0,
        max_turns_at_firing=schedule.max_turns,
    )
    return enqueue(
        schedule,
        source=Source.MANUAL,
        now=now,
        firing=firing,
        forced=force,
        requested_by=user,
        idempotency_key=key or None,
        expires_at=now + QUEUE_PATIENCE,
    )


def _audit(run: Run, user: AbstractBaseUser | None, reason: str, now: datetime) -> None:
    """Write a forced bypass to the ledger and to the admin log."""
    slot = Run.objects.values_list("slot", flat=True).get(pk=run.pk)
    spender = Spender(
        Activity.MANUAL_FORCE_BYPASS,
        project_id=run.project_id,
        schedule_id=run.schedule_id,
        run_id=run.pk,
        user_id=user.pk if user else None,
    )
    budgets.audit_bypass(spender, {"reason": reason, "slot": slot}, now)
    if user:
        message = f"Forced run {run.pk} in {slot}: {reason or 'no reason given'}"
        LogEntry.objects.log_actions(
            user.pk, Schedule.objects.filter(pk=run.schedule_id), CHANGE, change_message=message
        )


def _full(now: datetime) -> CapacityFull:
    forecast = Forecast.of(now)
    return CapacityFull(forecast.eta_sec, forecast.position, forecast.blocking)
