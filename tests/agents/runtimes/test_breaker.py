"""One breaker for each provider: opened by a bad key, half-opened by time, closed by one probe."""

from datetime import UTC, datetime, timedelta

import pytest

from agents.models import Profile, Provider
from agents.runtimes import breaker

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def trip(at: datetime = NOON) -> None:
    breaker.trip("anthropic", "auth_failed", "bad key", at)


def test_a_provider_that_never_failed_may_be_asked():
    assert breaker.blocked_names(NOON) == set()
    assert breaker.try_acquire_probe("anthropic", NOON)


def test_a_bad_key_blocks_its_provider_and_no_other():
    trip()
    assert breaker.blocked_names(NOON) == {"anthropic"}
    assert not breaker.try_acquire_probe("anthropic", NOON)
    assert breaker.try_acquire_probe("offline", NOON)


def test_failures_while_it_is_open_change_nothing():
    for second in range(5):
        trip(NOON + timedelta(seconds=second))
    provider = Provider.objects.get()
    assert (provider.trips, provider.open_until) == (1, NOON + 5 * MINUTE)


def test_after_a_while_exactly_one_may_try():
    trip()
    later = NOON + 5 * MINUTE
    assert breaker.half_open_names(later) == {"anthropic"}
    assert breaker.blocked_names(later) == set()
    assert [breaker.try_acquire_probe("anthropic", later) for _ in range(3)] == [True, False, False]
    assert breaker.blocked_names(later) == {"anthropic"}
    assert breaker.half_open_names(later) == set()


def test_a_probe_that_fails_doubles_the_wait_up_to_an_hour():
    now, waits = NOON, []
    for _ in range(6):
        trip(now)
        until = Provider.objects.get().open_until or now
        waits.append((until - now) // MINUTE)
        now = until
        assert breaker.try_acquire_probe("anthropic", now)
    assert waits == [5, 10, 20, 40, 60, 60]


def test_a_probe_that_is_never_heard_of_again_makes_way_for_another():
    trip()
    later = NOON + 5 * MINUTE
    breaker.try_acquire_probe("anthropic", later)
    assert breaker.try_acquire_probe("anthropic", later + breaker.PROBE_TIMEOUT)


def test_a_success_closes_it_and_forgets():
    trip()
    breaker.succeeded("anthropic")
    assert breaker.try_acquire_probe("anthropic", NOON)
    assert breaker.blocked_names(NOON) == breaker.half_open_names(NOON) == set()
    trip()
    assert Provider.objects.get().trips == 1


def test_a_success_of_a_healthy_provider_writes_nothing(django_assert_num_queries):
    with django_assert_num_queries(1):
        breaker.succeeded("anthropic")


def test_the_longest_wait_asked_for_is_kept():
    breaker.block_until("anthropic", NOON + 2 * MINUTE)
    breaker.block_until("anthropic", NOON + MINUTE)
    assert breaker.blocked_names(NOON + MINUTE) == {"anthropic"}
    assert breaker.blocked_names(NOON + 2 * MINUTE) == set()
    assert breaker.try_acquire_probe("anthropic", NOON)  # patience is not a broken breaker


@pytest.mark.parametrize(
    ("key", "url", "name"),
    [
        ("", "", "offline"),
        ("sk-1", "", "anthropic"),
        ("sk-1", "https://api.anthropic.com", "anthropic"),
        ("", "http://localhost:11434", "anthropic@localhost:11434"),
        ("sk-1", "https://user:secret@gateway.example/v1", "anthropic@gateway.example"),
    ],
)
def test_a_provider_is_named_by_its_address_and_never_by_its_secrets(settings, key, url, name):
    settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL = key, url
    assert breaker.provider_of(Profile(runtime="anthropic")) == name
