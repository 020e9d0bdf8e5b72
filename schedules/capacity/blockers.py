"""Which queued runs may start: each blocker once, as a query condition and as a predicate.

The drain, run now, the API, the console, the metrics, the agents' tools and the forecast all read this list.
It is ordered by what must change first. A run without a blocker only needs a slot.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import Q

from schedules.capacity.conditions import Facts, StartConditions
from schedules.models import Run
from schedules.models.run import RunQuerySet
from schedules.states import BY_HAND, OverlapPolicy, ScheduleStatus, WaitReason

BY_A_PERSON = Q(source__in=BY_HAND)
EVERY_RUN = Q(pk__isnull=False)


class Moments(NamedTuple):
    """The moments of a query: datetimes, or the `Param`s of a prepared statement."""

    now: Any
    chat_exempt_since: Any


@dataclass(frozen=True)
class Blocker:
    """One reason why a queued run may not start."""

    reason: WaitReason
    present: Callable[[Facts], object]  # false where it holds no run at all
    condition: Callable[[Facts, Moments], Q]  # the runs it holds
    holds: Callable[[Run, StartConditions], object]  # whether it holds this one
    sentence: str


def _by_hand(run: Run) -> bool:
    return run.source in BY_HAND


def _is_paused(run: Run, situation: StartConditions) -> bool:
    return run.schedule is not None and run.schedule.status == ScheduleStatus.PAUSED and not _by_hand(run)


def _is_behind(run: Run, situation: StartConditions) -> bool:
    alone = run.schedule is not None and run.schedule.overlap_policy != OverlapPolicy.ALLOW
    return alone and not _by_hand(run) and run.schedule_id in situation.busy_schedules


def _behind(facts: Facts, at: Moments) -> Q:
    busy = Run.objects.under_way().filter(schedule__isnull=False).values("schedule")
    return ~Q(schedule__overlap_policy=OverlapPolicy.ALLOW) & Q(schedule__in=busy) & ~BY_A_PERSON


def _over_budget(facts: Facts, at: Moments) -> Q:
    spent = facts.budgets
    if spent.install:
        return EVERY_RUN
    return Q(project__in=spent.project_ids) | Q(schedule__in=spent.schedule_ids)


BLOCKERS = (
    Blocker(
        WaitReason.STOPPED,
        lambda facts: facts.stopped,
        lambda facts, at: ~BY_A_PERSON,
        lambda run, situation: situation.conf.stopped and not _by_hand(run),
        "All scheduled work is stopped in Settings.",
    ),
    Blocker(
        WaitReason.PAUSED,
        lambda facts: True,
        lambda facts, at: Q(schedule__status=ScheduleStatus.PAUSED) & ~BY_A_PERSON,
        _is_paused,
        "Waiting because its schedule is paused.",
    ),
    Blocker(
        WaitReason.WORKER,
        lambda facts: facts.nobody_starts or facts.unserved_pools,
        lambda facts, at: EVERY_RUN if facts.nobody_starts else Q(pool__in=facts.unserved_pools),
        lambda run, situation: situation.nobody_starts or run.pool in situation.unserved_pools,
        "Waiting for a scheduler: no process that starts runs is running.",
    ),
    Blocker(
        WaitReason.RETRY,
        lambda facts: True,
        lambda facts, at: Q(not_before__gt=at.now),
        lambda run, situation: run.not_before is not None and run.not_before > situation.now,
        "Waiting for its next retry.",
    ),
    Blocker(
        WaitReason.BREAKER,
        lambda facts: facts.open_breakers,
        lambda facts, at: Q(profile__in=facts.open_breakers),
        lambda run, situation: run.profile_id in situation.open_breakers,
        "Waiting for the provider: it refused the last requests and is retried automatically.",
    ),
    Blocker(
        WaitReason.PROVIDER,
        lambda facts: facts.patience,
        lambda facts, at: Q(profile__in=facts.patience),
        lambda run, situation: run.profile_id in situation.patience,
        "Waiting for the provider: it asked us to wait.",
    ),
    Blocker(
        WaitReason.BUDGET,
        lambda facts: facts.budgets,
        _over_budget,
        lambda run, situation: situation.budgets.reason_for(
            project_id=run.project_id, schedule_id=run.schedule_id
        ),
        "Waiting because the budget is used up.",
    ),
    Blocker(
        WaitReason.CHAT,
        lambda facts: facts.chat,
        lambda facts, at: ~BY_A_PERSON & Q(due_at__gt=at.chat_exempt_since),
        lambda run, situation: (
            situation.is_chat_busy and not _by_hand(run) and run.due_at > situation.chat_exempt_since
        ),
        "Waiting for chat: a reply is streaming.",
    ),
    Blocker(
        WaitReason.OVERLAP,
        lambda facts: True,
        _behind,
        _is_behind,
        "Waiting for an earlier run of its own schedule to end.",
    ),
)
SENTENCES = {one.reason: one.sentence for one in BLOCKERS} | {
    WaitReason.POOL: "Waiting for a free slot of its pool.",
    WaitReason.SLOT: "Waiting for a free slot.",
}
SLOTS_OF_POOL = (WaitReason.POOL, WaitReason.SLOT)  # what is missing to a run that nothing holds back


def in_pool(pools: Any) -> Q:
    """Match the runs that need a slot of one of these pools; a forced run needs only one of the cap."""
    return Q(pool__in=pools, forced=False)


def blocker(run: Run, situation: StartConditions) -> Blocker | None:
    """Return the first blocker of a queued run besides a missing slot."""
    return next((one for one in BLOCKERS if one.holds(run, situation)), None)


def conditions(facts: Facts, at: Moments) -> list[tuple[WaitReason, Q]]:
    """Return the condition of each blocker in these circumstances, in order."""
    return [(one.reason, one.condition(facts, at)) for one in BLOCKERS if one.present(facts)]


def block_all(facts: Facts) -> bool:
    """Return whether no run may start at all, without a query."""
    return facts.budgets.install or facts.nobody_starts


def startable(situation: StartConditions) -> RunQuerySet:
    """Return the queued runs that only need a slot, in claim order."""
    if block_all(situation.facts):
        return Run.objects.none()
    return line(situation.facts, Moments(situation.now, situation.chat_exempt_since))


def line(facts: Facts, at: Moments) -> RunQuerySet:
    """Return the query of `startable`: the queued runs without a blocker."""
    runs = Run.objects.queued().filter(cancel_requested_at=None)
    for _, held in conditions(facts, at):
        runs = runs.exclude(held)
    return runs.order_by("claim_order", "pk")
