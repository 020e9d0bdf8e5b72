"""Run now goes through the door of the drain: breakers, budgets and probes hold; one click is one run."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.db import connection

from agents.models import Budget, Provider
from agents.runtimes import breaker
from schedules.errors import Blocked, CapacityFull
from schedules.models import Firing, Run, Setting
from schedules.services import run_now
from schedules.states import RunStatus
from tests.support.builders import NOON, a_running_run, a_schedule, a_scheduler
from tests.support.programs import Program, refusal

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def scheduler(db: None) -> None:
    a_scheduler(NOON)


@pytest.fixture
def schedule():
    return a_schedule()


def provider_of(schedule) -> str:
    return breaker.provider_of(schedule.profile)


def refused(schedule, user, now=NOON, **how) -> Blocked:
    with pytest.raises(Blocked) as found:
        run_now.execute(schedule, user=user, now=now, **how)
    assert not Run.objects.exists()
    assert not Firing.objects.exists()
    return found.value


@pytest.mark.parametrize("force", [False, True])
def test_after_a_bad_key_it_does_not_ask_the_model_again(schedule, alice: User, force):
    breaker.trip(provider_of(schedule), "auth_failed", "Invalid x-api-key.", NOON)
    blocked = refused(schedule, alice, force=force)
    assert (blocked.code, blocked.wait_reason) == ("breaker_open", "breaker")
    assert blocked.until == NOON + 5 * MINUTE
    assert "Invalid x-api-key. It is tried again" in str(blocked)
    assert "close the breaker under Providers" in str(blocked)


def test_a_provider_that_asked_for_patience_is_not_asked(schedule, alice: User):
    breaker.block_until(provider_of(schedule), NOON + MINUTE)
    blocked = refused(schedule, alice)
    assert (blocked.code, blocked.wait_reason, blocked.until) == ("provider_busy", "provider", NOON + MINUTE)


def test_a_spent_budget_holds_it(schedule, alice: User):
    Budget.objects.create(scope="schedule", subject_id=schedule.pk, max_cost_usd=0)
    blocked = refused(schedule, alice)
    assert (blocked.code, blocked.wait_reason) == ("budget_spent", "budget")
    assert "Raise the budget" in str(blocked)


def test_queued_it_waits_for_the_blocker_to_go(schedule, alice: User):
    breaker.trip(provider_of(schedule), "auth_failed", "Invalid x-api-key.", NOON)
    started = run_now.execute(schedule, user=alice, now=NOON, queue=True)
    assert (started.queued, started.run.status) == (True, RunStatus.QUEUED)


def test_half_open_one_request_takes_the_probe_and_the_next_is_refused(schedule, alice: User):
    breaker.trip(provider_of(schedule), "auth_failed", "Invalid x-api-key.", NOON - 10 * MINUTE)
    assert run_now.execute(schedule, user=alice, now=NOON).run.status == RunStatus.RUNNING
    assert Provider.objects.get().probe_until is not None
    with pytest.raises(Blocked) as second:
        run_now.execute(schedule, user=alice, now=NOON + timedelta(seconds=1))
    assert second.value.wait_reason == "breaker"
    assert Run.objects.count() == 1


def test_without_room_no_probe_is_taken(schedule, alice: User):
    Setting.objects.create(key="SCHEDULE_MAX_CONCURRENT", value="1")
    a_running_run(a_schedule(name="Other"))
    breaker.trip(provider_of(schedule), "auth_failed", "Invalid x-api-key.", NOON - 10 * MINUTE)
    with pytest.raises(CapacityFull):
        run_now.execute(schedule, user=alice, now=NOON)
    assert Provider.objects.get().probe_until is None


def test_while_scheduled_work_is_stopped_it_works_with_a_warning(schedule, alice: User):
    assert run_now.execute(schedule, user=alice, now=NOON).warning == ""
    Setting.objects.create(key="SCHEDULED_WORK_STOPPED", value="on")
    started = run_now.execute(schedule, user=alice, now=NOON)
    assert (started.queued, started.warning) == (False, run_now.STOPPED)


def test_over_http_a_blocker_is_409_with_the_reason_and_the_way_on(alice: User, schedule, monkeypatch):
    from stagent.lib import clock

    a_scheduler(clock.now())
    breaker.trip(provider_of(schedule), "auth_failed", "Invalid x-api-key.", clock.now())
    api = Program(alice)
    answer = api.post(f"/schedules/{schedule.pk}/execute")
    assert refusal(answer) == (409, "breaker_open")
    body = answer.json()
    assert body["wait_reason"] == "breaker"
    assert body["expected_at"] is not None
    assert "?queue=true" in body["options"]["queue"]
    queued = api.post(f"/schedules/{schedule.pk}/execute?queue=true")
    assert queued.status_code == 202
    assert api.get(f"/runs/{queued.json()['run_id']}").json()["wait_reason"] == "breaker"


def test_a_page_that_is_used_again_later_means_another_click(schedule, alice: User):
    def click(moment):
        key = run_now.key_of_page("page", schedule, alice, moment)
        return run_now.execute(schedule, user=alice, now=moment, queue=True, idempotency_key=key)

    first = click(NOON)
    assert click(NOON + timedelta(milliseconds=60)).run.pk == first.run.pk
    second = click(NOON + MINUTE)
    assert second.run.pk != first.run.pk
    assert click(NOON + MINUTE + timedelta(milliseconds=60)).run.pk == second.run.pk


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_moment_make_one_run(alice: User):
    schedule, together = a_schedule(), Barrier(2)

    def click(_: int) -> int:
        try:
            together.wait(10)
            started = run_now.execute(schedule, user=alice, now=NOON, queue=True, idempotency_key="click")
            return started.run.pk
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        made = set(threads.map(click, range(2)))
    assert len(made) == Run.objects.count() == Firing.objects.count() == 1
