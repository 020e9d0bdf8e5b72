"""The drain: picks queued runs in claim order and admits them until the cap is full or none may start."""

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
    """The claims of one pass, and the pools that were full."""

    claims: list[Claim]
    full: frozenset[str]


def drain(situation: StartConditions, holder: str) -> list[Claim]:
    """Claim as many runs as there are slots; each claim is its own short transaction."""
    return fill(situation, holder).claims


def fill(situation: StartConditions, holder: str) -> Drained:
    """Drain, and return which pools were full."""
    attempt = _Pass(situation, holder, reclaim_slots(situation.conf))
    while attempt.goes_on:
        attempt.claim_next()
    return Drained(attempt.claims, frozenset(attempt.full))


@dataclass
class _Pass:
    """The state of one pass."""

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
        """Claim the first run whose pool has a free slot; None if there is none."""
        at = self.situation
        if blockers.block_all(at.facts) or (DEFAULT_POOL in self.full and not FORCED_IN_LINE()):
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
        """Return the run that probes a half-open provider: the one with the fewest failures.

        Otherwise a run that makes its provider fail would take every probe, because it is first in line when
        it returns.
        """
        at = self.situation
        queue = _queue(at.facts, frozenset(self.full), Moments(at.now, at.chat_exempt_since))
        profiles = [profile for profile, name in at.probing.items() if name == provider]
        return _locked(
            queue.filter(profile__in=profiles).order_by("provider_retries", *queue.query.order_by)
        ).first()


def adopt_waiting(situation: StartConditions, holder: str) -> list[Claim]:
    """Adopt the runs that requests claimed; losing one to another scheduler is normal."""
    now, conf = situation.now, situation.conf
    waiting = Run.objects.unadopted().filter(lease_expires_at__gt=now)
    return [taken for run in waiting if (taken := adopt(run, holder=holder, now=now, conf=conf))]


FORCED_IN_LINE = Select(Run.objects.queued().filter(forced=True).order_by("claim_order").only("pk")[:1])


@lru_cache(maxsize=100)
def _front(facts: Facts, full: frozenset[str]) -> Select[Run]:
    """Prepare the query of the first run whose pool has a free slot."""
    at = Moments(Param("now", Run.not_before), Param("chat_exempt_since", Run.due_at))
    return Select(_locked(_queue(facts, full, at)).only(*WANTED_FOR_A_CLAIM)[:1])


def _queue(facts: Facts, full: frozenset[str], at: Moments) -> RunQuerySet:
    """Return the queued runs whose pool has a free slot."""
    queue = blockers.line(facts, at)
    return queue.filter(forced=True) if DEFAULT_POOL in full else queue.exclude(in_pool(full))


def _locked(queue: RunQuerySet) -> RunQuerySet:
    """Skip rows that another drain is claiming; otherwise all drains would wait for the first one."""
    skip = connection.features.has_select_for_update_skip_locked
    return queue.select_for_update(skip_locked=skip, of=("self",) if skip else ())


WANTED_FOR_A_CLAIM = (
    "transcript", "firing", "profile", "pool", "forced", "queued_at", "started_at", "max_run_duration_sec",
    "worked_ms",
)  # fmt: skip
