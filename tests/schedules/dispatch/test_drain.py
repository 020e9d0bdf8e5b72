"""Who goes first, who waits, and why: the order of claim and every reason to wait."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from agents import live_streams
from agents.models import Budget, LedgerEntry
from agents.runtimes import breaker
from schedules.capacity import wait_reasons
from schedules.dispatch.drain import adopt_waiting, drain, startable
from schedules.models import Run, Schedule, Setting
from schedules.models.run import UNADOPTED
from schedules.states import OverlapPolicy, RunStatus, ScheduleStatus, Source, WaitReason
from schedules.transitions import pause, requeue
from tests.support.builders import NOON, a_profile, a_queued_run, a_running_run, a_schedule, the_situation

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def one_slot(db: None) -> None:
    Setting.objects.create(key="SCHEDULE_MAX_CONCURRENT", value="1")


def next_at(moment: datetime) -> str:
    """Return the name of the schedule whose run is claimed next, and let it go on for ever."""
    claimed = drain(the_situation(moment), "worker")
    return Run.objects.get(pk=claimed[0].run_id).schedule_name if claimed else ""


def queued(name: str, now: datetime = NOON, **asked: Any) -> Run:
    return a_queued_run(a_schedule(name=name), now, **asked)


def reason_of(run: Run, moment: datetime = NOON) -> WaitReason | None:
    return wait_reasons.reason(Run.objects.select_related("schedule").get(pk=run.pk), the_situation(moment))


def test_the_oldest_goes_first_and_a_newly_due_run_does_not_overtake() -> None:
    queued("New", NOON + MINUTE)
    queued("Old", NOON)
    assert next_at(NOON + 2 * MINUTE) == "Old"


def test_a_person_goes_before_a_retry_before_a_schedule_before_a_backlog() -> None:
    queued("Backlog", lane="backfill")
    queued("Scheduled")
    queued("Retry", source=Source.RETRY)
    queued("By hand", source=Source.MANUAL)
    order = list(Run.objects.order_by("claim_order").values_list("schedule_name", flat=True))
    assert order == ["By hand", "Retry", "Scheduled", "Backlog"]


def test_waiting_wins_over_priority_in_the_end() -> None:
    queued("Scheduled", NOON)
    queued("By hand", NOON + 21 * MINUTE, source=Source.MANUAL)
    assert next_at(NOON + 22 * MINUTE) == "Scheduled"


def test_a_schedules_own_priority_is_a_head_start() -> None:
    a_queued_run(a_schedule(name="Usual"), NOON)
    a_queued_run(a_schedule(name="Urgent", priority=10), NOON + MINUTE)
    assert next_at(NOON + 2 * MINUTE) == "Urgent"


def test_a_run_waits_for_its_slot() -> None:
    a_running_run(a_schedule(name="Busy"))
    run = queued("Waiting")
    assert (next_at(NOON), reason_of(run)) == ("", WaitReason.SLOT)


def test_a_retry_waits_for_its_moment() -> None:
    run, claimed = a_running_run()
    requeue(run.pk, claimed.token, now=NOON, not_before=NOON + MINUTE, retry_count=1)
    assert (next_at(NOON), reason_of(run)) == ("", WaitReason.RETRY)
    assert next_at(NOON + MINUTE) == run.schedule_name


def test_a_paused_schedules_run_waits_and_a_run_by_hand_does_not() -> None:
    schedule = a_schedule(name="Paused")
    run = a_queued_run(schedule)
    pause(schedule.pk, now=NOON)
    assert (next_at(NOON), reason_of(run)) == ("", WaitReason.PAUSED)
    a_queued_run(schedule, source=Source.MANUAL)
    assert next_at(NOON) == "Paused"
    assert Schedule.objects.get(pk=schedule.pk).status == ScheduleStatus.PAUSED


def test_a_run_of_a_blocked_provider_waits_and_one_probe_is_let_through() -> None:
    Setting.objects.update(value="5")
    profile = a_profile()
    breaker.trip(breaker.provider_of(profile), "auth_failed", "Invalid API key", NOON)
    runs = [queued("One"), queued("Two")]
    assert (next_at(NOON), reason_of(runs[0])) == ("", WaitReason.BREAKER)
    later = NOON + timedelta(hours=2)
    assert len(drain(the_situation(later), "worker")) == 1
    assert drain(the_situation(later), "worker") == []
    breaker.succeeded(breaker.provider_of(profile))
    assert len(drain(the_situation(later), "worker")) == 1


@pytest.mark.parametrize("tried", [(3, 0, 0), (0, 0, 0), (1, 2, 1), (2, 1, 0), (5, 5, 4)])
def test_the_probe_is_for_the_run_that_the_provider_failed_least_often_and_of_those_the_first(tried) -> None:
    profile = a_profile()
    runs = [queued(f"Number {number}") for number in range(len(tried))]
    for run, count in zip(runs, tried, strict=True):
        Run.objects.filter(pk=run.pk).update(provider_retries=count)
    elsewhere = a_queued_run(a_schedule(name="Paused"), provider_retries=0)
    pause(elsewhere.schedule_id, now=NOON)
    breaker.trip(breaker.provider_of(profile), "sdk_error", "It failed", NOON)
    (claimed,) = drain(the_situation(NOON + timedelta(hours=2)), "worker")
    assert claimed.run_id == runs[tried.index(min(tried))].pk


def test_a_run_over_budget_waits() -> None:
    run = queued("Spender")
    Budget.objects.create(scope="install", window="day", max_turns=1)
    LedgerEntry.objects.create(at=NOON, activity="run_turn")
    assert (next_at(NOON), reason_of(run)) == ("", WaitReason.BUDGET)


def test_scheduled_runs_wait_for_chat_a_bounded_time_and_a_persons_do_not() -> None:
    run = queued("Scheduled")
    live_streams.begin("message:1", "web", 3600, NOON)
    assert (next_at(NOON), reason_of(run)) == ("", WaitReason.CHAT)
    assert next_at(NOON + timedelta(seconds=300)) == "Scheduled"
    Setting.objects.update(value="2")
    queued("By hand", source=Source.MANUAL)
    assert next_at(NOON) == "By hand"


def test_running_work_is_never_touched_by_chat() -> None:
    run, _ = a_running_run()
    live_streams.begin("message:1", "web", 3600, NOON)
    drain(the_situation(NOON), "worker")
    run.refresh_from_db()
    assert (run.status, run.cancel_requested_at) == (RunStatus.RUNNING, None)


def test_two_streams_hold_work_back_until_both_have_ended() -> None:
    queued("Scheduled")
    first = live_streams.begin("message:1", "web", 3600, NOON)
    second = live_streams.begin("message:2", "web", 3600, NOON)
    live_streams.end("message:1", first)
    assert next_at(NOON) == ""
    live_streams.end("message:2", second)
    assert next_at(NOON) == "Scheduled"


def test_runs_of_one_schedule_do_not_overlap_unless_it_allows() -> None:
    Setting.objects.update(value="5")
    for policy, expected in ((OverlapPolicy.QUEUE_ONE, 1), (OverlapPolicy.ALLOW, 2)):
        schedule = a_schedule(name=policy, overlap_policy=policy)
        a_queued_run(schedule)
        a_queued_run(schedule)
        assert len(drain(the_situation(NOON), "worker")) == expected


def test_a_run_claimed_by_a_request_is_taken_over() -> None:
    run, _ = a_running_run(holder=UNADOPTED)
    assert [claimed.run_id for claimed in adopt_waiting(the_situation(NOON), "scheduler")] == [run.pk]
    assert adopt_waiting(the_situation(NOON), "another") == []


def test_a_long_queue_is_read_from_its_front() -> None:
    plan = startable(the_situation(NOON)).explain()
    assert "CORRELATED" not in plan  # a look at all its siblings for every run in it
    if connection.vendor == "sqlite":  # PostgreSQL chooses by the number of rows, and here are none
        assert "USING INDEX run_queue" in plan
        assert "TEMP B-TREE" not in plan


def test_a_forced_run_that_finds_every_overflow_slot_held_waits_and_the_drain_ends() -> None:
    schedule = a_schedule(overlap_policy=OverlapPolicy.ALLOW)
    for _ in range(1 + 8):
        a_running_run(schedule, source=Source.MANUAL, forced=True)
    run = a_queued_run(schedule, source=Source.MANUAL, forced=True)
    assert drain(the_situation(NOON), "me") == []
    assert Run.objects.get(pk=run.pk).status == RunStatus.QUEUED
