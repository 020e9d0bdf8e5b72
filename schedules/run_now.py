"""Run a schedule now: honour the cap, queue on request, or force with an audit trail."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction

from agents import budgets
from agents.budgets import Spender
from agents.states import Activity
from schedules import caps, handover, presence
from schedules.errors import CapacityFull, NoRoom, NoScheduler, NotAllowed, Quicker
from schedules.eta import Forecast
from schedules.models import Firing, Run, Schedule
from schedules.models.run import UNADOPTED
from schedules.models.slot import DEFAULT_POOL
from schedules.states import FiringKind, Outcome, Source
from schedules.transitions import claim, enqueue
from stagent.lib import bell, journal

ADOPTION_TTL = timedelta(seconds=10)  # a claimed run that no scheduler took over by then is queued again
QUEUE_PATIENCE = timedelta(days=1)
TRIES = 20
MICROSECOND = timedelta(microseconds=1)


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
    wish = Wish(schedule, user, now, reason, _scoped(idempotency_key, user, schedule))
    if earlier := wish.earlier():
        return earlier
    alive = presence.can_start(schedule.pool_id or handover.NO_POOL, now)
    if not alive and not queue:
        raise NoScheduler(workers=handover.chosen())
    try:
        return _begin(wish, alive=alive, queue=queue, force=force)
    except IntegrityError:
        if earlier := wish.earlier():
            return earlier
        raise


def retry(run: Run, *, user: AbstractBaseUser | None, now: datetime) -> Run:
    """Queue the work of an ended run again, with the prompt and limits that its schedule has now.

    `NotAllowed` while the run has not ended, or when its schedule is gone.
    """
    if not run.finished:
        raise NotAllowed("run_unfinished", "The run has not ended yet; cancel it first.")
    if run.schedule is None:
        raise NotAllowed("schedule_deleted", "The schedule of this run was deleted, so it cannot run again.")
    again = Wish(run.schedule, user, now, reason=f"Run {run.pk} once more.", source=Source.RETRY)
    return _queue(again)


def _scoped(key: str, user: AbstractBaseUser | None, schedule: Schedule) -> str:
    """Make a key of the client's that means this user's click on this schedule; empty where there is none."""
    digest = uuid.uuid5(uuid.NAMESPACE_URL, key)
    return f"{user.pk if user else 0}:{schedule.pk}:{digest}" if key else ""


@dataclass(frozen=True)
class Wish:
    """That somebody wants a schedule to run."""

    schedule: Schedule
    user: AbstractBaseUser | None
    now: datetime
    reason: str = ""
    key: str = ""
    source: Source = Source.MANUAL

    def earlier(self) -> "Started | None":
        """Return what an earlier request with the same key was given."""
        run = Run.objects.filter(idempotency_key=self.key).first() if self.key else None
        return Started(run, queued=run.slot_claimed_at is None, repeated=True) if run else None


def _begin(wish: Wish, *, alive: bool, queue: bool, force: bool) -> Started:
    """Claim a slot where somebody would take the run over; without room, queue it if that is wished."""
    if alive:
        try:
            return Started(_claim_now(wish, force=force), queued=False)
        except NoRoom as none:
            if not queue:
                raise _full(wish, none.pool) from None
    return Started(_queue(wish), queued=True)


def _claim_now(wish: Wish, *, force: bool) -> Run:
    """Queue a run and claim its slot in one transaction; `NoRoom`, and no row, where there is none."""
    conf = caps.load(wish.now)
    for _ in range(TRIES):
        wish = replace(wish, now=wish.now + MICROSECOND)  # two requests of one microsecond are two instants
        try:
            with transaction.atomic():
                run = _enqueue(wish, force=force)
                claim(run, holder=UNADOPTED, now=wish.now, conf=conf, ttl=ADOPTION_TTL)
                if force:
                    _audit(run, wish)
                bell.ring()
            return Run.objects.get(pk=run.pk)
        except Quicker:
            continue
        except IntegrityError:
            if wish.earlier():
                raise
    raise NoRoom(DEFAULT_POOL)  # others were quicker, time and again


def _queue(wish: Wish) -> Run:
    with transaction.atomic():
        run = _enqueue(wish)
        bell.ring()
    return run


def _enqueue(wish: Wish, *, force: bool = False) -> Run:
    schedule, now = wish.schedule, wish.now
    firing = Firing.objects.create(
        schedule=schedule,
        schedule_name=schedule.name,
        kind=FiringKind.MANUAL,
        nominal_at=now,
        due_at=now,
        fired_at=now,
        outcome=Outcome.FIRED,
        reason=(f"Forced. {wish.reason}" if force else wish.reason).strip()[:300],
        deferral_ms=0,
        max_turns_at_firing=schedule.max_turns,
    )
    return enqueue(
        schedule,
        source=wish.source,
        now=now,
        firing=firing,
        forced=force,
        requested_by=wish.user,
        idempotency_key=wish.key or None,
        expires_at=now + QUEUE_PATIENCE,
    )


def _audit(run: Run, wish: Wish) -> None:
    """Write a forced bypass to the ledger and to the admin log."""
    slot = Run.objects.values_list("slot", flat=True).get(pk=run.pk)
    spender = Spender(
        Activity.MANUAL_FORCE_BYPASS,
        project_id=run.project_id,
        schedule_id=run.schedule_id,
        run_id=run.pk,
        user_id=wish.user.pk if wish.user else None,
    )
    budgets.audit_bypass(spender, {"reason": wish.reason, "slot": slot}, wish.now)
    because = wish.reason or "no reason given"
    journal.note(wish.user, wish.schedule, journal.CHANGE, f"Forced run {run.pk} in {slot}: {because}")


def _full(wish: Wish, pool: str) -> CapacityFull:
    forecast = Forecast.of(wish.now, pool=wish.schedule.pool_id or "", full=pool)
    return CapacityFull(forecast.eta_sec, forecast.position, forecast.blocking, pool)
