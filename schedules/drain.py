"""The drain: claim slots for queued runs, first in line first, until the cap is full or nobody may start."""

from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Q

from agents import breaker, budgets
from schedules.errors import NoRoom, Quicker
from schedules.models import Run
from schedules.models.run import RunQuerySet
from schedules.models.slot import DEFAULT_POOL, OVERFLOW_POOL
from schedules.situation import Situation
from schedules.states import OverlapPolicy, Source
from schedules.transitions import Claim, adopt, bring_in_strays, claim
from stagent.lib.prepared import Given, Select

BY_ITSELF = (Source.SCHEDULED, Source.HEARTBEAT)
MAX_LOST_RACES = 50


def drain(situation: Situation, holder: str) -> list[Claim]:
    """Claim as many runs as have a place; each claim is its own short transaction."""
    room = bring_in_strays(situation.conf)
    claims: list[Claim] = []
    full: set[str] = set()
    lost_races = 0
    while not {DEFAULT_POOL, OVERFLOW_POOL} <= full and lost_races < MAX_LOST_RACES:
        if len(claims) >= room:
            full.add(DEFAULT_POOL)
        try:
            claimed = _claim_next(situation, holder, full)
        except NoRoom as none:
            full |= {DEFAULT_POOL, none.pool} if none.pool == OVERFLOW_POOL else {none.pool}
        except Quicker:
            lost_races += 1
        else:
            if claimed is None:
                break
            claims.append(claimed)
    return claims


def adopt_waiting(situation: Situation, holder: str) -> list[Claim]:
    """Take over the runs that requests claimed; losing one to another scheduler is ordinary."""
    now, conf = situation.now, situation.conf
    waiting = Run.objects.unadopted().filter(lease_expires_at__gt=now)
    return [taken for run in waiting if (taken := adopt(run, holder=holder, now=now, conf=conf))]


def startable(situation: Situation) -> RunQuerySet:
    """Return the queued runs that nothing but a slot is missing to, first in line first."""
    return _line(Hindrances.of(situation), situation.now, situation.now - situation.conf.chat_max_delay)


class Hindrances(NamedTuple):
    """What holds runs back beside a missing slot."""

    chat: bool
    profiles: frozenset[int]
    budgets: budgets.Exhausted
    unserved: frozenset[str]

    @classmethod
    def of(cls, situation: Situation) -> "Hindrances":
        return cls(
            situation.chat_presses, situation.blocked_profiles, situation.budgets, situation.unserved_pools
        )


def _line(held_by: Hindrances, now: Any, chat_exempt_since: Any) -> RunQuerySet:
    """Put the line together, for two moments or for `Given` ones."""
    runs = Run.objects.ready(now).exclude(_behind_its_own_schedule())
    if held_by.chat:
        runs = runs.chat_exempt(chat_exempt_since)
    if held_by.profiles:
        runs = runs.exclude(profile__in=held_by.profiles)
    if held_by.unserved:
        runs = runs.exclude(pool__in=held_by.unserved)
    if held_by.budgets.install:
        runs = runs.none()
    elif held_by.budgets:
        runs = runs.exclude(_over_budget(held_by.budgets))
    return runs.order_by("claim_order", "pk")


def _behind_its_own_schedule() -> Q:
    """Match the runs that wait for an earlier run of their schedule, which is not to overlap."""
    busy = Run.objects.under_way().filter(schedule__isnull=False).values("schedule")
    return Q(~Q(schedule__overlap_policy=OverlapPolicy.ALLOW), schedule__in=busy, source__in=BY_ITSELF)


def _over_budget(spent: budgets.Exhausted) -> Q:
    return Q(project__in=spent.project_ids) | Q(schedule__in=spent.schedule_ids)


def _claim_next(situation: Situation, holder: str, full: set[str]) -> Claim | None:
    """Claim the first run in line that a pool with room will take; None when there is none."""
    now, conf = situation.now, situation.conf
    if situation.budgets.install or (DEFAULT_POOL in full and not FORCED_IN_LINE()):
        return None
    with transaction.atomic():
        front = _front(Hindrances.of(situation), frozenset(full))
        run = front.first(now=now, chat_exempt_since=now - conf.chat_max_delay)
        if run is None:
            return None
        claimed = claim(run, holder=holder, now=now, conf=conf, live_streams=situation.live_streams)
        if run.profile_id in situation.probing and not breaker.take_probe(
            situation.probing[run.profile_id], situation.now
        ):
            raise Quicker("probe")
        return claimed


FORCED_IN_LINE = Select(Run.objects.queued().filter(forced=True).order_by("claim_order").only("pk")[:1])


@lru_cache(maxsize=100)
def _front(held_by: Hindrances, full: frozenset[str]) -> Select[Run]:
    """Prepare the look at the first run in line that a pool with room will take."""
    queue = _line(held_by, Given("now", Run.not_before), Given("chat_exempt_since", Run.due_at))
    queue = queue.filter(forced=True) if DEFAULT_POOL in full else queue.exclude(pool__in=full, forced=False)
    # Rows another drain is just claiming are passed over, or all of them would queue up at the first one.
    skip = connection.features.has_select_for_update_skip_locked
    locked = queue.select_for_update(skip_locked=skip, of=("self",) if skip else ())
    return Select(locked.only(*WANTED_FOR_A_CLAIM)[:1])


WANTED_FOR_A_CLAIM = (
    "transcript", "firing", "profile", "pool", "forced", "queued_at", "started_at", "max_run_duration_sec",
)  # fmt: skip
