"""The drain: claim slots for queued runs, first in line first, until the cap is full or nobody may start."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from django.db import connection, transaction

from schedules.capacity import blockers
from schedules.capacity.blockers import Moments, in_pool, startable
from schedules.capacity.conditions import Facts, StartConditions
from schedules.dispatch.admission import ProbeTaken, admit, with_probe_taken
from schedules.errors import LostRace, NoCapacity
from schedules.models import Run
from schedules.models.run import RunQuerySet
from schedules.models.slot import DEFAULT_POOL, OVERFLOW_POOL
from schedules.transitions import Claim, adopt, reclaim_slots
from stagent.lib.db.prepared import Param, Select

__all__ = ["Drained", "adopt_waiting", "drain", "fill", "startable"]

MAX_LOST_RACES = 50


class Drained(NamedTuple):
    """What one pass claimed, and the pools that it found full."""

    claims: list[Claim]
    full: frozenset[str]


def drain(situation: StartConditions, holder: str) -> list[Claim]:
    """Claim as many runs as have a place; each claim is its own short transaction."""
    return fill(situation, holder).claims


def fill(situation: StartConditions, holder: str) -> Drained:
    """Drain, and tell what was full."""
    attempt = _Pass(situation, holder, reclaim_slots(situation.conf))
    while attempt.goes_on:
        attempt.claim_next()
    return Drained(attempt.claims, frozenset(attempt.full))


@dataclass
class _Pass:
    """The claims of one pass, and what they have taught it."""

    situation: StartConditions
    holder: str
    room: int  # under the cap at the start
    claims: list[Claim] = field(default_factory=list)
    full: set[str] = field(default_factory=set)
    lost_races: int = 0
    is_over: bool = False  # nobody else may start

    @property
    def goes_on(self) -> bool:
        nowhere = {DEFAULT_POOL, OVERFLOW_POOL} <= self.full
        return not self.is_over and not nowhere and self.lost_races < MAX_LOST_RACES

    def claim_next(self) -> None:
        if len(self.claims) >= self.room:
            self.full.add(DEFAULT_POOL)
        try:
            claimed = self._claim_first()
        except NoCapacity as none:
            self.full |= {DEFAULT_POOL, none.pool} if none.pool == OVERFLOW_POOL else {none.pool}
        except ProbeTaken as taken:
            self.situation = with_probe_taken(self.situation, taken.provider)
        except LostRace:
            self.lost_races += 1
        else:
            self.is_over = claimed is None
            self.claims += [claimed] if claimed else []

    def _claim_first(self) -> Claim | None:
        """Claim the first run in line that a pool with room will take; None when there is none."""
        at = self.situation
        if blockers.hold_everybody(at.facts) or (DEFAULT_POOL in self.full and not FORCED_IN_LINE()):
            return None
        with transaction.atomic():
            front = _front(at.facts, frozenset(self.full))
            run = front.first(now=at.now, chat_exempt_since=at.chat_exempt_since)
            if run is None:
                return None
            if run.profile_id in at.probing:
                run = self._probing(at.probing[run.profile_id]) or run
            claimed = admit(run, at, holder=self.holder)
        if run.profile_id in at.probing:
            self.situation = with_probe_taken(at, at.probing[run.profile_id])
        return claimed

    def _probing(self, provider: str) -> Run | None:
        """Return whose turn it is to try a provider that is half open: the run that it failed least often.

        A run that makes its provider fail would have every probe, for it stands in front when it comes back.
        """
        at = self.situation
        queue = _queue(at.facts, frozenset(self.full), Moments(at.now, at.chat_exempt_since))
        profiles = [profile for profile, name in at.probing.items() if name == provider]
        return _locked(
            queue.filter(profile__in=profiles).order_by("provider_retries", *queue.query.order_by)
        ).first()


def adopt_waiting(situation: StartConditions, holder: str) -> list[Claim]:
    """Take over the runs that requests claimed; losing one to another scheduler is ordinary."""
    now, conf = situation.now, situation.conf
    waiting = Run.objects.unadopted().filter(lease_expires_at__gt=now)
    return [taken for run in waiting if (taken := adopt(run, holder=holder, now=now, conf=conf))]


FORCED_IN_LINE = Select(Run.objects.queued().filter(forced=True).order_by("claim_order").only("pk")[:1])


@lru_cache(maxsize=100)
def _front(facts: Facts, full: frozenset[str]) -> Select[Run]:
    """Prepare the look at the first run in line that a pool with room will take."""
    at = Moments(Param("now", Run.not_before), Param("chat_exempt_since", Run.due_at))
    return Select(_locked(_queue(facts, full, at)).only(*WANTED_FOR_A_CLAIM)[:1])


def _queue(facts: Facts, full: frozenset[str], at: Moments) -> RunQuerySet:
    """Return the runs in line that a pool with room will take."""
    queue = blockers.line(facts, at)
    return queue.filter(forced=True) if DEFAULT_POOL in full else queue.exclude(in_pool(full))


def _locked(queue: RunQuerySet) -> RunQuerySet:
    """Pass over rows that another drain is just claiming, or all of them would queue up at the first one."""
    skip = connection.features.has_select_for_update_skip_locked
    return queue.select_for_update(skip_locked=skip, of=("self",) if skip else ())


WANTED_FOR_A_CLAIM = (
    "transcript", "firing", "profile", "pool", "forced", "queued_at", "started_at", "max_run_duration_sec",
    "worked_ms",
)  # fmt: skip
