"""One breaker for each provider, shared by all processes: a bad key is tried once and not by everybody.

closed --trip--> open --time--> half open --take_probe--> one caller tries --succeeded--> closed
                                                                           --trip--> open, twice as long
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from agents import runtimes
from agents.models import Profile, Provider
from stagent.lib import bell
from stagent.lib.prepared import Given, Select

FIRST_WAIT = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=1)
PROBE_TIME = timedelta(minutes=5)  # the longest that a first token may take


def of(profile: Profile) -> str:
    """Return the name of the provider that a profile asks."""
    return runtimes.get(profile.runtime).provider_name()


def blocked_names(now: datetime) -> set[str]:
    """Return the providers that nobody may ask now."""
    return {provider.name for provider in BLOCKED(now=now)}


def patience_names(now: datetime) -> set[str]:
    """Return the providers that asked for patience and whose breaker stops nobody."""
    return {
        provider.name
        for provider in BLOCKED(now=now)
        if not _is_ahead(provider.open_until, now) and not _is_ahead(provider.probe_until, now)
    }


def half_open_names(now: datetime) -> set[str]:
    """Return the providers whose breaker is waiting for one probe."""
    return {provider.name for provider in HALF_OPEN(now=now)}


NOW: Any = Given("now", Provider.open_until)
BLOCKED = Select(Provider.objects.blocked(NOW).only("name", "open_until", "probe_until"))
HALF_OPEN = Select(
    Provider.objects.filter(opened_at__isnull=False, open_until__lte=NOW)
    .filter(Q(probe_until=None) | Q(probe_until__lte=NOW))
    .only("name")
)


def take_probe(name: str, now: datetime) -> bool:
    """Ask leave to use a provider: yes while it is closed; half open, yes to exactly one caller."""
    provider = Provider.objects.filter(name=name).first()
    if provider is None or provider.opened_at is None:
        return True
    if _is_ahead(provider.open_until, now) or _is_ahead(provider.probe_until, now):
        return False
    unchanged = Provider.objects.filter(
        pk=provider.pk, trips=provider.trips, probe_until=provider.probe_until, opened_at=provider.opened_at
    )
    return bool(unchanged.update(probe_until=now + PROBE_TIME))


def trip(name: str, reason: str, detail: str, now: datetime) -> None:
    """Open the breaker, or open it again for twice as long; while it is open, failures change nothing."""
    with transaction.atomic():
        Provider.objects.get_or_create(name=name)
        provider = Provider.objects.select_for_update().get(name=name)
        if _is_ahead(provider.open_until, now):
            return
        provider.trips += 1
        provider.opened_at = provider.opened_at or now
        provider.open_until = now + wait_after(provider.trips)
        provider.probe_until = None
        provider.open_reason, provider.open_detail = reason, detail[:500]
        provider.save()


def succeeded(name: str) -> None:
    """Close the breaker: the provider answered."""
    opened = Provider.objects.filter(name=name, opened_at__isnull=False)
    if opened.exists():  # an update would take SQLite's write lock, and this is called at every reply
        opened.update(
            opened_at=None, open_until=None, probe_until=None, open_reason="", open_detail="", trips=0
        )


def close(name: str) -> None:
    """Close the breaker on a person's word, and forget the patience the provider asked for."""
    succeeded(name)
    Provider.objects.filter(name=name).update(blocked_until=None)
    bell.ring()


def slow_down(name: str, until: datetime) -> None:
    """Let nobody ask this provider before then; it said so itself."""
    provider, _ = Provider.objects.get_or_create(name=name)
    earlier = Q(blocked_until=None) | Q(blocked_until__lt=until)
    Provider.objects.filter(earlier, pk=provider.pk).update(blocked_until=until)


def wait_after(trips: int) -> timedelta:
    """Return how long the breaker stays open after so many failures in a row."""
    doublings = min(trips - 1, 10)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def _is_ahead(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment > now
