"""Runs a schedule now: checks the blockers and the cap, queues on request, or forces with an audit entry."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction

from agents.spending import budgets
from agents.spending.budgets import Spender
from agents.states import Activity
from schedules import cluster_handoff
from schedules.capacity import blockers, conditions, effective_cap
from schedules.capacity.conditions import StartConditions
from schedules.dispatch.admission import ProbeTaken, admit
from schedules.errors import (
    Blocked,
    CapacityFull,
    ExpectedError,
    LostRace,
    NoCapacity,
    NoScheduler,
    NotAllowed,
)
from schedules.forecast.eta import SlotEta
from schedules.models import Firing, Run, Schedule
from schedules.models.run import UNADOPTED
from schedules.models.schedule import LONGEST_REASON
from schedules.models.slot import DEFAULT_POOL
from schedules.services.blocked import explain
from schedules.states import FiringKind, Outcome, Source, WaitReason
from schedules.transitions import enqueue
from stagent.lib import wakeup
from stagent.lib.log import audit_log
from stagent.lib.problems import clean_input

ADOPTION_TTL = timedelta(seconds=10)  # a claimed run that no scheduler took over by then is queued again
QUEUE_PATIENCE = timedelta(days=1)
SAME_CLICK = timedelta(seconds=10)  # a key of a page means one click this long; then the page was used again
TRIES = 20
MICROSECOND = timedelta(microseconds=1)
STOPPED = "All scheduled work is stopped in Settings. This run starts anyway, because a person requested it."


@dataclass(frozen=True)
class Started:
    """The result: a run that holds a slot, or a queued one."""

    run: Run
    queued: bool
    repeated: bool = False  # an earlier request with this key had made it
    warning: str = ""


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
    """Start a run of a schedule, paused or not. If it raises, no row is left behind.

    Raises `CapacityFull` if the cap is full and neither `queue` nor an overflow slot helps; `Blocked` if the
    provider or a budget blocks it, forced or not, without `queue`; `NoScheduler` if no process would execute
    it. The caller checks the permission to force.
    """
    reason = clean_input("reason", reason, LONGEST_REASON)
    wish = RunNowRequest(schedule, user, now, reason, _scoped(idempotency_key, user, schedule))
    if earlier := wish.earlier():
        return earlier
    situation = conditions.load(now, effective_cap.load(now))
    alive = not situation.nobody_starts and wish.pool not in situation.unserved_pools
    if not alive and not queue:
        raise NoScheduler(workers=cluster_handoff.is_cluster())
    try:
        started = _begin(wish, situation, alive=alive, queue=queue, force=force)
    except IntegrityError:
        if earlier := wish.earlier():
            return earlier
        raise
    return replace(started, warning=STOPPED) if situation.conf.stopped else started


def key_of_page(key: str, schedule: Schedule, user: AbstractBaseUser | None, now: datetime) -> str:
    """Return the idempotency key of a click on a page rendered with `key`; empty if it has none.

    A double click is one request. A page that the browser restores later has the same key but means a new
    request.
    """
    used = key
    while key:
        wish = RunNowRequest(schedule, user, now, key=_scoped(used, user, schedule))
        earlier = wish.earlier()
        if earlier is None or now - earlier.run.queued_at < SAME_CLICK:
            break
        used = f"{key}:{earlier.run.pk}"
    return used


def retry(run: Run, *, user: AbstractBaseUser | None, now: datetime, idempotency_key: str = "") -> Run:
    """Queue the work of a finished run again, with the current prompt and limits of its schedule.

    Raises `NotAllowed` while the run is unfinished, or if its schedule was deleted.
    """
    if not run.finished:
        raise NotAllowed("run_unfinished", "The run has not ended. Cancel it first.")
    if run.schedule is None:
        raise NotAllowed("schedule_deleted", "The schedule of this run was deleted, so it cannot run again.")
    key = _scoped(idempotency_key, user, run.schedule)
    again = RunNowRequest(run.schedule, user, now, f"Run {run.pk} once more.", key, Source.RETRY)
    if earlier := again.earlier():
        return earlier.run
    try:
        return _queue(again)
    except IntegrityError:
        if earlier := again.earlier():
            return earlier.run
        raise


def _scoped(key: str, user: AbstractBaseUser | None, schedule: Schedule) -> str:
    """Return the client's idempotency key, scoped to this user and schedule; empty without one."""
    digest = uuid.uuid5(uuid.NAMESPACE_URL, key)
    return f"{user.pk if user else 0}:{schedule.pk}:{digest}" if key else ""


@dataclass(frozen=True)
class RunNowRequest:
    """A request to run a schedule."""

    schedule: Schedule
    user: AbstractBaseUser | None
    now: datetime
    reason: str = ""
    key: str = ""
    source: Source = Source.MANUAL

    @property
    def pool(self) -> str:
        return self.schedule.pool_id or cluster_handoff.NO_POOL

    def earlier(self) -> "Started | None":
        """Return the result of an earlier request with the same key."""
        run = Run.objects.filter(idempotency_key=self.key).first() if self.key else None
        return Started(run, queued=run.slot_claimed_at is None, repeated=True) if run else None


def _begin(
    wish: RunNowRequest, situation: StartConditions, *, alive: bool, queue: bool, force: bool
) -> Started:
    """Claim a slot if a scheduler can adopt the run; otherwise queue it if requested."""
    if alive:
        try:
            return Started(_claim_now(wish, situation, force=force), queued=False)
        except NoCapacity as none:
            if not queue:
                raise _full(wish, none.pool) from None
        except Blocked:
            if not queue:
                raise
    return Started(_queue(wish), queued=True)


def _claim_now(wish: RunNowRequest, situation: StartConditions, *, force: bool) -> Run:
    """Queue a run and claim its slot in one transaction. Raises `NoCapacity` or `Blocked` and leaves no
    row.
    """
    for _ in range(TRIES):
        wish = replace(wish, now=wish.now + MICROSECOND)  # two requests of one microsecond are two instants
        try:
            with transaction.atomic():
                run = _enqueue(wish, force=force)
                _admit(run, replace(situation, now=wish.now))
                if force:
                    _audit(run, wish)
                wakeup.notify()
            return Run.objects.get(pk=run.pk)
        except LostRace:
            continue
        except IntegrityError:
            if wish.earlier():
                raise
    raise NoCapacity(DEFAULT_POOL)  # others were quicker, time and again


def _admit(run: Run, situation: StartConditions) -> None:
    """Admit a run as the drain does, after the same blockers."""
    if blocker := blockers.blocker(run, situation):
        raise explain(run, blocker.reason, situation)
    try:
        admit(run, situation, holder=UNADOPTED, ttl=ADOPTION_TTL)
    except ProbeTaken:
        raise explain(run, WaitReason.BREAKER, situation) from None


def _queue(wish: RunNowRequest) -> Run:
    with transaction.atomic():
        run = _enqueue(wish)
        wakeup.notify()
    return run


def _enqueue(wish: RunNowRequest, *, force: bool = False) -> Run:
    schedule, now = wish.schedule, wish.now
    firing = Firing.objects.create(
        schedule=schedule,
        schedule_name=schedule.name,
        kind=FiringKind.MANUAL,
        nominal_at=now,
        due_at=now,
        fired_at=now,
        outcome=Outcome.FIRED,
        reason=(f"Forced. {wish.reason}" if force else wish.reason).strip(),
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


def _audit(run: Run, wish: RunNowRequest) -> None:
    """Write a forced run to the ledger and to the audit log."""
    slot = Run.objects.values_list("slot", flat=True).get(pk=run.pk)
    spender = Spender(
        Activity.MANUAL_FORCE_BYPASS,
        project_id=run.project_id,
        schedule_id=run.schedule_id,
        run_id=run.pk,
        user_id=wish.user.pk if wish.user else None,
    )
    budgets.record_bypass(spender, {"reason": wish.reason, "slot": slot}, wish.now)
    because = wish.reason or "no reason given"
    audit_log.record(wish.user, wish.schedule, audit_log.CHANGE, f"Forced run {run.pk} in {slot}: {because}")


def _full(wish: RunNowRequest, pool: str) -> CapacityFull:
    eta = SlotEta.of(wish.now, pool=wish.pool, full=pool)
    expected = ExpectedError(eta.eta_sec, eta.range_sec, eta.basis.name.lower(), eta.taken_from)
    return CapacityFull(expected, eta.position, eta.blocking, eta.held, eta.cap, pool)
