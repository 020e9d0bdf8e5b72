"""What is tried again, when, and until when: the provider's trouble by time, anything else by number."""

from datetime import timedelta
from typing import Any

import pytest

from agents.failure_policies import POLICIES, Retry
from agents.protocol.events import Finished
from agents.states import FailureKind as K
from schedules.models import Run
from schedules.states import Source
from schedules.transitions import retries
from schedules.transitions.retries import Again, NoMore, decide
from tests.support.builders import NOON, a_running_run, a_schedule

pytestmark = pytest.mark.django_db
SEC = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def failed(kind: K, **more: Any) -> Finished:
    row = POLICIES[kind]
    return Finished("failed", row.reason, "Why.", retryable=row.retryable, failure=kind, **more)


def a_run(source: Source = Source.SCHEDULED, **changes: Any) -> Run:
    run, _ = a_running_run(a_schedule(**changes), source=source)
    return run


@pytest.mark.parametrize("kind", [kind for kind, row in POLICIES.items() if row.retry == Retry.HORIZON])
def test_what_the_provider_causes_is_tried_again_however_often_until_the_horizon(kind: K) -> None:
    run = a_run(max_retries=0, interval="every 10m")
    run.provider_retries = 1000
    again = decide(run, failed(kind), NOON)
    assert isinstance(again, Again)
    assert (again.until, again.counted) == (NOON + 300 * SEC, False)
    assert NOON + SEC <= again.not_before <= NOON + 300 * SEC
    run.retry_until = again.until
    assert isinstance(decide(run, failed(kind), NOON + 299 * SEC), Again)
    over = decide(run, failed(kind), NOON + 300 * SEC)
    assert isinstance(over, NoMore)
    assert "1001 times" in over.why


@pytest.mark.parametrize("kind", [kind for kind, row in POLICIES.items() if row.retry == Retry.COUNTED])
def test_other_causes_are_tried_again_as_often_as_the_schedule_says(kind: K) -> None:
    run = a_run(max_retries=2)
    for _ in range(2):
        again = decide(run, failed(kind), NOON)
        assert isinstance(again, Again)
        assert again.counted
        run.retry_count += 1
    assert isinstance(decide(run, failed(kind), NOON), NoMore)


@pytest.mark.parametrize("kind", [kind for kind, row in POLICIES.items() if not row.retryable])
def test_the_rest_is_not_tried_again_by_the_worker(kind: K) -> None:
    assert decide(a_run(), failed(kind), NOON) == NoMore()


@pytest.mark.parametrize(
    ("source", "changes", "horizon"),
    [
        (Source.SCHEDULED, {"interval": "every 5m"}, 150 * SEC),
        (Source.SCHEDULED, {"cron": "0 9 * * *"}, 12 * HOUR),
        (Source.SCHEDULED, {"at": NOON + HOUR}, HOUR),
        (Source.MANUAL, {"interval": "every 5m"}, HOUR),
        (Source.RETRY, {"cron": "0 9 * * *"}, 12 * HOUR),
        (Source.MANUAL, {"retry_horizon_sec": 90}, 90 * SEC),
    ],
)
def test_the_horizon_is_half_the_period_or_an_hour_or_what_the_schedule_says(
    source: Source, changes: dict[str, Any], horizon: timedelta
) -> None:
    assert retries.horizon(a_run(source, **changes), NOON) == horizon


def test_a_wait_within_the_horizon_is_kept_to_the_second() -> None:
    again = decide(a_run(Source.MANUAL), failed(K.RATE_LIMITED, retry_after_sec=1900.0), NOON)
    assert isinstance(again, Again)
    assert again.not_before == NOON + 1900 * SEC


def test_a_wait_beyond_the_horizon_is_not_begun_and_the_run_says_so() -> None:
    no = decide(a_run(interval="every 5m"), failed(K.RATE_LIMITED, retry_after_sec=1900.0), NOON)
    assert no == NoMore("The provider asks to wait 32 min; this run can wait 3 min at most.")


def test_delays_double_from_the_schedules_own_and_are_varied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries.random, "uniform", lambda least, most: most)
    own = a_schedule(retry_delay_sec=20)
    assert [retries.delay(own, number) // SEC for number in range(7)] == [20, 40, 80, 160, 320, 600, 600]
    assert [retries.delay(None, number) // SEC for number in (0, 1, 100)] == [5, 10, 600]
    monkeypatch.setattr(retries.random, "uniform", lambda least, most: least)
    assert retries.delay(None, 9) == SEC


@pytest.mark.parametrize("asked", [None, 0.0, 30.0])
def test_a_run_whose_horizon_has_passed_is_told_how_often_it_was_tried(asked: float | None) -> None:
    run = a_run(interval="every 5m")
    run.retry_until, run.provider_retries = NOON - SEC, 6
    no = decide(run, failed(K.SERVER_ERROR, retry_after_sec=asked), NOON)
    assert no == NoMore("It was tried 7 times until its retry horizon had passed.")
