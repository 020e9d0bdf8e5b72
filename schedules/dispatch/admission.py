"""The one door into a slot: the drain and run now both claim through `admit`."""

from dataclasses import replace
from datetime import timedelta

from agents.runtimes import breaker
from schedules.capacity.conditions import StartConditions
from schedules.errors import LostRace
from schedules.models import Run
from schedules.transitions import Claim, claim


class ProbeTaken(LostRace):
    """The breaker of this provider is half open, and another run has its one probe."""

    def __init__(self, provider: str) -> None:
        super().__init__(f"the probe of {provider}")
        self.provider = provider


def admit(run: Run, situation: StartConditions, *, holder: str, ttl: timedelta | None = None) -> Claim:
    """Claim a slot, and the probe where the breaker of the run's provider is half open.

    The caller has asked the blockers in the same transaction, which is to be rolled back by what is raised:
    `NoRoom` and `Quicker` as by `claim`, `ProbeTaken` where the provider is being tried by another run.
    """
    claimed = claim(
        run,
        holder=holder,
        now=situation.now,
        conf=situation.conf,
        ttl=ttl,
        live_streams=situation.live_streams,
    )
    provider = situation.probing.get(run.profile_id)
    if provider is not None and not breaker.try_acquire_probe(provider, situation.now):
        raise ProbeTaken(provider)
    return claimed


def with_probe_taken(situation: StartConditions, provider: str) -> StartConditions:
    """Return the situation in which nobody else may ask this provider."""
    asked = frozenset(profile for profile, name in situation.probing.items() if name == provider)
    return replace(
        situation,
        open_breakers=situation.open_breakers | asked,
        probing={profile: name for profile, name in situation.probing.items() if profile not in asked},
    )
