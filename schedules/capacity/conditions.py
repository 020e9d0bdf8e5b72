"""What blocks work at one moment: stop switch, chat, providers, budgets. Loaded once per pass."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from agents import live_streams
from agents.models import Profile
from agents.runtimes import breaker
from agents.spending import budgets
from schedules import cluster_handoff
from schedules.capacity import processes
from schedules.conf import Conf
from schedules.models import Pool, Run, Slot
from schedules.models.slot import DEFAULT_POOL, OVERFLOW_POOL


class Facts(NamedTuple):
    """What decides which blockers apply; hashable, as the key of prepared statements."""

    stopped: bool
    chat: bool
    open_breakers: frozenset[int]  # profiles whose provider nobody may ask
    patience: frozenset[int]  # profiles whose provider asked for patience
    budgets: budgets.Exhausted
    unserved_pools: frozenset[str]
    nobody_starts: bool


@dataclass(frozen=True)
class StartConditions:
    """The conditions under which runs may start."""

    now: datetime
    conf: Conf
    live_streams: int
    open_breakers: frozenset[int]
    patience: frozenset[int]
    probing: dict[int, str]  # profiles whose breaker is half open, and its provider: one run may try
    budgets: budgets.Exhausted
    unserved_pools: frozenset[str] = frozenset()  # whose runs no worker would perform
    nobody_starts: bool = False  # no process is alive that claims runs and performs them

    @property
    def is_chat_busy(self) -> bool:
        return self.live_streams > 0

    @property
    def chat_exempt_since(self) -> datetime:
        """Runs due by this moment no longer wait for chat."""
        return self.now - self.conf.chat_max_delay

    @cached_property
    def facts(self) -> Facts:
        return Facts(
            self.conf.stopped, self.is_chat_busy, self.open_breakers, self.patience, self.budgets,
            self.unserved_pools, self.nobody_starts,
        )  # fmt: skip

    # Read only by who explains: the drain asks the database itself, because its own claims change these.

    @cached_property
    def busy_schedules(self) -> frozenset[int | None]:
        """The schedules with a running run."""
        under_way = Run.objects.under_way().filter(schedule__isnull=False)
        return frozenset(under_way.values_list("schedule_id", flat=True))

    @cached_property
    def parked_schedules(self) -> frozenset[int | None]:
        """The schedules with a run that waits for a person."""
        return frozenset(Run.objects.waiting().values_list("schedule_id", flat=True))

    @cached_property
    def full_pools(self) -> frozenset[str]:
        """The pools without a free slot; a deleted pool has none."""
        sizes = dict(Pool.objects.values_list("name", "size"))
        asked = Run.objects.queued().exclude(pool="").order_by().values_list("pool", flat=True).distinct()
        left = sizes | dict.fromkeys(set(asked) - set(sizes), 0)
        for slot in Slot.objects.exclude(pool__in=(DEFAULT_POOL, OVERFLOW_POOL)):
            taken = slot.run_id is not None or not slot.enabled
            if taken and slot.number <= sizes.get(slot.pool, 0):
                left[slot.pool] -= 1
        return frozenset(pool for pool, free in left.items() if free <= 0)


def load(now: datetime, conf: Conf, *, claims: bool = False) -> StartConditions:
    """Return the conditions at this moment; `claims` if the caller starts runs itself."""
    blocked, half_open = breaker.blocked_names(now), breaker.half_open_names(now)
    patience = breaker.rate_limited_names(now) if blocked else set()
    providers = _providers() if blocked or half_open else {}
    return StartConditions(
        now=now,
        conf=conf,
        live_streams=live_streams.count_live(now),
        open_breakers=frozenset(pk for pk, name in providers.items() if name in blocked - patience),
        patience=frozenset(pk for pk, name in providers.items() if name in patience),
        probing={pk: name for pk, name in providers.items() if name in half_open - blocked},
        budgets=budgets.exhausted(now),
        unserved_pools=cluster_handoff.unserved(now),
        nobody_starts=not claims and not processes.complete(now),
    )


def _providers() -> dict[int, str]:
    return {profile.pk: breaker.provider_of(profile) for profile in Profile.objects.all()}
