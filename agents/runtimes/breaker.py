"""One breaker for each provider, shared by all processes: a bad key is tried once and not by everybody.

closed --trip--> open --time--> half open --take_probe--> one caller tries --succeeded--> closed
                                                                           --trip--> open, twice as long

A bad key, a spend stop or a wrong address opens it at once, for minutes: a person has to set it right. A
provider that is away or fails opens it after a few failures in a row, for seconds at first: it comes back.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from agents import runtimes
from agents.failures import Breaker as Action
from agents.models import Profile, Provider
from agents.models.provider import LONGEST_DETAIL
from agents.runtimes.errors import Failure
from stagent.lib import wakeup
from stagent.lib.db.prepared import Param, Select
from stagent.lib.text import clip

FIRST_WAIT = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=1)
FAILURES_IN_A_ROW = 3  # of a provider that is away, by whoever asks
FIRST_PAUSE = timedelta(seconds=10)  # for it to come back
LONGEST_PAUSE = timedelta(minutes=1)
PROBE_TIME = timedelta(minutes=5)  # the longest that a first token may take


def provider_of(profile: Profile) -> str:
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


def shut_names(now: datetime) -> set[str]:
    """Return the providers that are not to be asked for a while yet; a probe under way is no such while."""
    shut = Q(open_until__gt=now) | Q(blocked_until__gt=now)
    return set(Provider.objects.filter(shut).values_list("name", flat=True))


NOW: Any = Param("now", Provider.open_until)
BLOCKED = Select(Provider.objects.blocked(NOW).only("name", "open_until", "probe_until"))
HALF_OPEN = Select(
    Provider.objects.filter(opened_at__isnull=False, open_until__lte=NOW)
    .filter(Q(probe_until=None) | Q(probe_until__lte=NOW))
    .only("name")
)


def try_acquire_probe(name: str, now: datetime) -> bool:
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


def record_result(name: str, failure: Failure, now: datetime) -> None:
    """Do what the table of failures says of this one."""
    match failure.policy.breaker:
        case Action.TRIP:
            trip(name, failure.reason, failure.detail, now)
        case Action.RETRY_AFTER if failure.retry_after_sec:
            slow_down(name, now + timedelta(seconds=failure.retry_after_sec))
        case Action.COUNT | Action.RETRY_AFTER:
            if failure.retry_after_sec:
                slow_down(name, now + timedelta(seconds=failure.retry_after_sec))
            count(name, failure.reason, failure.detail, now)
        case Action.CLOSE:
            succeeded(name)


def trip(name: str, reason: str, detail: str, now: datetime) -> None:
    """Open the breaker, or open it again for twice as long; while it is open, failures change nothing."""
    with transaction.atomic():
        provider = _lock(name)
        if not _is_ahead(provider.open_until, now):
            if provider.open_reason != reason:
                provider.trips = 0  # of another trouble, whose waits are no measure of this one
            _open(provider, wait_after(provider.trips + 1), reason, detail, now)


def count(name: str, reason: str, detail: str, now: datetime) -> None:
    """Count a failure that may pass by itself; open the breaker at the third in a row, or after a probe."""
    with transaction.atomic():
        provider = _lock(name)
        if _is_ahead(provider.open_until, now):
            return
        provider.failures += 1
        if provider.opened_at or provider.failures >= FAILURES_IN_A_ROW:
            _open(provider, pause_after(provider.trips + 1), reason, detail, now)
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
    provider.open_reason, provider.open_detail = reason, clip(detail, LONGEST_DETAIL)
    provider.save()


def succeeded(name: str) -> None:
    """Close the breaker and forget the failures: the provider answered."""
    troubled = Provider.objects.filter(Q(opened_at__isnull=False) | Q(failures__gt=0), name=name)
    if troubled.exists():  # an update would take SQLite's write lock, and this is called at every reply
        troubled.update(
            opened_at=None,
            open_until=None,
            probe_until=None,
            open_reason="",
            open_detail="",
            trips=0,
            failures=0,
        )


def close(name: str) -> None:
    """Close the breaker on a person's word, and forget the patience the provider asked for."""
    succeeded(name)
    Provider.objects.filter(name=name).update(blocked_until=None)
    wakeup.notify()


def slow_down(name: str, until: datetime) -> None:
    """Let nobody ask this provider before then; it said so itself."""
    provider, _ = Provider.objects.get_or_create(name=name)
    earlier = Q(blocked_until=None) | Q(blocked_until__lt=until)
    Provider.objects.filter(earlier, pk=provider.pk).update(blocked_until=until)


def wait_after(trips: int) -> timedelta:
    """Return how long the breaker stays open after so many failed probes, where a person has to act."""
    return _doubled(FIRST_WAIT, trips, LONGEST_WAIT)


def pause_after(trips: int) -> timedelta:
    """Return how long it stays open where the provider comes back by itself."""
    return _doubled(FIRST_PAUSE, trips, LONGEST_PAUSE)


def _doubled(first: timedelta, trips: int, longest: timedelta) -> timedelta:
    return min(first * (1 << min(trips - 1, 10)), longest)


def _is_ahead(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment > now
