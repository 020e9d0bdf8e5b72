"""What holds work back at one moment: chat, breakers, budgets, absent workers. Read once per pass."""

from dataclasses import dataclass
from datetime import datetime

from agents import activity, breaker, budgets
from agents.models import Profile
from schedules import handover
from schedules.conf import Conf


@dataclass(frozen=True)
class Situation:
    """The facts that decide who may start."""

    now: datetime
    conf: Conf
    live_streams: int
    blocked_profiles: frozenset[int]
    probing: dict[int, str]  # profiles whose breaker is half open, and its provider: one run may try
    budgets: budgets.Exhausted
    unserved_pools: frozenset[str] = frozenset()  # whose runs no worker would perform

    @property
    def chat_presses(self) -> bool:
        return self.live_streams > 0


def look(now: datetime, conf: Conf) -> Situation:
    """Return the situation at this moment."""
    blocked, half_open = breaker.blocked_names(now), breaker.half_open_names(now)
    providers = _providers() if blocked or half_open else {}
    return Situation(
        now=now,
        conf=conf,
        live_streams=activity.count_live(now),
        blocked_profiles=frozenset(pk for pk, name in providers.items() if name in blocked),
        probing={pk: name for pk, name in providers.items() if name in half_open - blocked},
        budgets=budgets.exhausted(now),
        unserved_pools=handover.unserved(now),
    )


def _providers() -> dict[int, str]:
    return {profile.pk: breaker.of(profile) for profile in Profile.objects.all()}
