"""One circuit breaker for each provider, shared by all processes: a bad key is tried once, not by every run.

closed --trip--> open --time--> half open --try_acquire_probe--> one caller --succeeded--> closed
                                                                            --trip--> open, twice as long

A bad key, a spending stop or a wrong address opens it at once, for minutes: a person must correct it. A
provider that is unavailable or fails opens it after a few failures in a row, for seconds at first.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from agents import runtimes
from agents.failure_policies import Breaker as Action
from agents.models import Profile, Provider
from agents.models.provider import MAX_DETAIL_CHARS
from agents.runtimes.failure_classifier import Failure
from stagent.lib import wakeup
from stagent.lib.db.prepared import Param, Select
from stagent.lib.text import clip

MIN_LONG_OPEN = timedelta(minutes=5)
MAX_LONG_OPEN = timedelta(hours=1)
MAX_FAILURES = 3  # in a row, in all processes
MIN_SHORT_OPEN = timedelta(seconds=10)  # an unavailable provider
MAX_SHORT_OPEN = timedelta(minutes=1)
PROBE_TIMEOUT = timedelta(minutes=5)  # the longest time to a first token


def provider_of(profile: Profile) -> str:
    """Return the name of a profile's provider."""
    return runtimes.get(profile.runtime).provider_name()


def blocked_names(now: datetime) -> set[str]:
    """Return the providers that must not be called now."""
    return {provider.name for provider in BLOCKED(now=now)}


def rate_limited_names(now: datetime) -> set[str]:
    """Return the providers that asked to wait and whose breaker is not open."""
    return {
        provider.name
        for provider in BLOCKED(now=now)
        if not _is_future(provider.open_until, now) and not _is_future(provider.probe_until, now)
    }


def half_open_names(now: datetime) -> set[str]:
    """Return the providers whose breaker waits for a probe."""
    return {provider.name for provider in HALF_OPEN(now=now)}


def unavailable_names(now: datetime) -> set[str]:
    """Return the providers that stay blocked for a known time; a probe under way does not count."""
    unavailable = Q(open_until__gt=now) | Q(blocked_until__gt=now)
    return set(Provider.objects.filter(unavailable).values_list("name", flat=True))


NOW: Any = Param("now", Provider.open_until)
BLOCKED = Select(Provider.objects.blocked(NOW).only("name", "open_until", "probe_until"))
HALF_OPEN = Select(
    Provider.objects.filter(opened_at__isnull=False, open_until__lte=NOW)
    .filter(Q(probe_until=None) | Q(probe_until__lte=NOW))
    .only("name")
)


def try_acquire_probe(name: str, now: datetime) -> bool:
    """Return whether a provider may be called: always if closed; if half open, for exactly one caller."""
    provider = Provider.objects.filter(name=name).first()
    if provider is None or provider.opened_at is None:
        return True
    if _is_future(provider.open_until, now) or _is_future(provider.probe_until, now):
        return False
    unchanged = Provider.objects.filter(
        pk=provider.pk, trips=provider.trips, probe_until=provider.probe_until, opened_at=provider.opened_at
    )
    return bool(unchanged.update(probe_until=now + PROBE_TIMEOUT))


def record_result(name: str, failure: Failure, now: datetime) -> None:
    """Apply the breaker policy of a failure."""
    match failure.policy.breaker:
        case Action.TRIP:
            trip(name, failure.reason, failure.detail, now)
        case Action.RETRY_AFTER if failure.retry_after_sec:
            block_until(name, now + timedelta(seconds=failure.retry_after_sec))
        case Action.COUNT | Action.RETRY_AFTER:
            if failure.retry_after_sec:
                block_until(name, now + timedelta(seconds=failure.retry_after_sec))
            count_failure(name, failure.reason, failure.detail, now)
        case Action.CLOSE:
            succeeded(name)


def trip(name: str, reason: str, detail: str, now: datetime) -> None:
    """Open the breaker, or reopen it for twice as long; while it is open, failures change nothing."""
    with transaction.atomic():
        provider = _lock(name)
        if not _is_future(provider.open_until, now):
            if provider.open_reason != reason:
                provider.trips = 0  # they counted another failure
            _open(provider, long_open_time(provider.trips + 1), reason, detail, now)


def count_failure(name: str, reason: str, detail: str, now: datetime) -> None:
    """Count a temporary failure; open the breaker at the third in a row, or after a failed probe."""
    with transaction.atomic():
        provider = _lock(name)
        if _is_future(provider.open_until, now):
            return
        provider.failures += 1
        if provider.opened_at or provider.failures >= MAX_FAILURES:
            _open(provider, short_open_time(provider.trips + 1), reason, detail, now)
        else:
            provider.save(update_fields=["failures"])


def _lock(name: str) -> Provider:
    Provider.objects.get_or_create(name=name)
    return Provider.objects.select_for_update().get(name=name)


def _open(provider: Provider, wait: timedelta, reason: str, detail: str, now: datetime) -> None:
    provider.trips += 1
    provider.opened_at = provider.opened_at or now
    provider.open_until = now + wait
    provider.probe_until = None
    provider.open_reason, provider.open_detail = reason, clip(detail, MAX_DETAIL_CHARS)
    provider.save()


def succeeded(name: str) -> None:
    """Close the breaker and reset the failures: the provider replied."""
    failing = Provider.objects.filter(Q(opened_at__isnull=False) | Q(failures__gt=0), name=name)
    if failing.exists():  # an update takes SQLite's write lock, and every reply calls this
        failing.update(
            opened_at=None,
            open_until=None,
            probe_until=None,
            open_reason="",
            open_detail="",
            trips=0,
            failures=0,
        )


def close(name: str) -> None:
    """Close the breaker for an administrator, and end the wait that the provider asked for."""
    succeeded(name)
    Provider.objects.filter(name=name).update(blocked_until=None)
    wakeup.notify()


def block_until(name: str, until: datetime) -> None:
    """Block calls until a moment that the provider gave."""
    provider, _ = Provider.objects.get_or_create(name=name)
    shorter = Q(blocked_until=None) | Q(blocked_until__lt=until)
    Provider.objects.filter(shorter, pk=provider.pk).update(blocked_until=until)


def long_open_time(trips: int) -> timedelta:
    """Return how long the breaker stays open after this many trips, if a person must act."""
    return _backoff(MIN_LONG_OPEN, trips, MAX_LONG_OPEN)


def short_open_time(trips: int) -> timedelta:
    """Return how long it stays open if the provider recovers by itself."""
    return _backoff(MIN_SHORT_OPEN, trips, MAX_SHORT_OPEN)


def _backoff(first: timedelta, trips: int, longest: timedelta) -> timedelta:
    return min(first * (1 << min(trips - 1, 10)), longest)


def _is_future(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment > now
