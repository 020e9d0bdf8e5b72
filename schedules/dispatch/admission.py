"""Admits a queued run: claims its slot, and the probe of a half-open breaker. The drain and run now both use
it.
"""

from dataclasses import replace
from datetime import timedelta

from agents.runtimes import breaker
from schedules.capacity.conditions import StartConditions
from schedules.errors import LostRace
from schedules.models import Run
from schedules.transitions import Claim, claim


class ProbeTaken(LostRace):
    """Another run holds the probe of this provider's half-open breaker."""

    def __init__(self, provider: str) -> None:
        super().__init__(f"the probe of {provider}")
        self.provider = provider


def admit(run: Run, situation: StartConditions, *, holder: str, ttl: timedelta | None = None) -> Claim:
    """Claim a slot, and the probe if the breaker of the run's provider is half open.

    The caller checks the blockers in the same transaction and rolls it back on an error: `NoCapacity` and
    `LostRace` as in `claim`, `ProbeTaken` if another run probes the provider.
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
    """Return the conditions under which no further run may use this provider."""
    asked = frozenset(profile for profile, name in situation.probing.items() if name == provider)
    return replace(
        situation,
        open_breakers=situation.open_breakers | asked,
        probing={profile: name for profile, name in situation.probing.items() if profile not in asked},
    )
