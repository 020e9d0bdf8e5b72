"""Run now: the cap is honoured, nothing is left behind, force leaves a trail."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User

from agents.models import LedgerEntry
from schedules.errors import CapacityFull, NoScheduler
from schedules.models import Firing, Pool, Run, Schedule, Setting
from schedules.models.run import UNADOPTED
from schedules.services import run_now
from schedules.states import RunStatus
from schedules.transitions import pause
from tests.support.builders import NOON, a_queued_run, a_running_run, a_schedule, a_scheduler

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def scheduler(db: None) -> None:
    a_scheduler(NOON)


def full() -> list[Run]:
    """Fill the cap with two runs, one of a schedule that usually takes a minute, one unknown."""
    quick = a_schedule(name="Quick")
    Schedule.objects.filter(pk=quick.pk).update(avg_duration_ms=60_000)
    slow = a_schedule(name="Slow")
    Schedule.objects.filter(pk=slow.pk).update(avg_duration_ms=600_000)
    return [a_running_run(schedule)[0] for schedule in (slow, quick)]


def test_with_room_the_slot_is_claimed_in_the_request(alice: User) -> None:
    started = run_now.execute(a_schedule(), user=alice, now=NOON)
    assert (started.queued, started.run.status, started.run.holder) == (False, RunStatus.RUNNING, UNADOPTED)
    assert started.run.firing.kind == "manual"


def test_a_full_cap_says_when_and_who_and_leaves_nothing_behind(alice: User) -> None:
    slow, quick = full()
    runs, firings = Run.objects.count(), Firing.objects.count()
    with pytest.raises(CapacityFull) as refused:
        run_now.execute(a_schedule(), user=alice, now=NOON + timedelta(seconds=10))
    assert refused.value.slot_eta_sec == 50
    assert refused.value.blocking == [quick.pk, slow.pk]
    assert refused.value.position == 1
    assert (Run.objects.count(), Firing.objects.count()) == (runs, firings)


def test_the_eta_counts_the_queue_in_front(alice: User) -> None:
    full()
    for number in range(3):
        waiting = a_schedule(name=f"Waiting {number}")
        Schedule.objects.filter(pk=waiting.pk).update(avg_duration_ms=30_000)
        a_queued_run(waiting, now=NOON - timedelta(hours=1))
    with pytest.raises(CapacityFull) as refused:
        run_now.execute(a_schedule(), user=alice, now=NOON)
    assert (refused.value.slot_eta_sec, refused.value.position) == (60 + 3 * 30, 4)


def test_a_full_pool_says_when_it_has_room_and_who_is_in_it(alice: User) -> None:
    pool = Pool.objects.create(name="heavy", size=1)
    heavy, waits = (a_schedule(name=name, pool=pool) for name in ("Heavy", "Waits"))
    beside = a_schedule(name="Beside")
    Schedule.objects.update(avg_duration_ms=600_000)
    Schedule.objects.filter(pk=waits.pk).update(avg_duration_ms=60_000)
    run, _ = a_running_run(heavy)
    a_running_run(beside)
    Setting.objects.create(key="SCHEDULE_MAX_CONCURRENT", value="5")
    a_queued_run(waits, now=NOON - timedelta(hours=1))
    with pytest.raises(CapacityFull) as refused:
        run_now.execute(a_schedule(name="Another", pool=pool), user=alice, now=NOON + timedelta(seconds=10))
    assert (refused.value.slot_eta_sec, refused.value.position) == (590 + 60, 2)
    assert refused.value.blocking == [run.pk]
    assert str(refused.value).startswith("All slots of the pool heavy are held: 1 of 1. The next one")


def test_a_forced_run_without_a_place_left_is_told_of_the_next_one_of_all(alice: User) -> None:
    full()
    Setting.objects.create(key="SCHEDULE_MAX_OVERFLOW", value="1")
    run_now.execute(a_schedule(name="First"), user=alice, now=NOON, force=True)
    with pytest.raises(CapacityFull) as refused:
        run_now.execute(a_schedule(name="Second"), user=alice, now=NOON + timedelta(seconds=10), force=True)
    assert refused.value.slot_eta_sec == 50
    assert str(refused.value).startswith("All slots, those for forced runs too, are held: 3 of 3.")


def test_an_eta_is_bounded_by_the_deadline(alice: User) -> None:
    for name in ("One", "Two"):
        schedule = a_schedule(name=name, max_run_duration_sec=100)
        Schedule.objects.filter(pk=schedule.pk).update(avg_duration_ms=3_600_000)
        a_running_run(schedule)
    with pytest.raises(CapacityFull) as refused:
        run_now.execute(a_schedule(), user=alice, now=NOON)
    assert refused.value.slot_eta_sec == 100


def test_queued_on_request_it_waits_its_turn(alice: User) -> None:
    full()
    started = run_now.execute(a_schedule(), user=alice, now=NOON, queue=True)
    assert (started.queued, started.run.status) == (True, RunStatus.QUEUED)


def test_forced_it_runs_beyond_the_cap_and_leaves_a_trail(alice: User) -> None:
    full()
    started = run_now.execute(a_schedule(), user=alice, now=NOON, force=True, reason="the board is waiting")
    assert (started.run.forced, started.run.slot) == (True, "overflow #1")
    entry = LedgerEntry.objects.get(activity="manual_force_bypass")
    assert (entry.run_id, entry.user_id, entry.detail["reason"]) == (
        started.run.pk,
        alice.pk,
        "the board is waiting",
    )
    assert "the board is waiting" in LogEntry.objects.get(user=alice).change_message


def test_a_paused_schedule_can_be_run_by_hand(alice: User) -> None:
    schedule = a_schedule()
    pause(schedule.pk, now=NOON)
    assert run_now.execute(schedule, user=alice, now=NOON).run.status == RunStatus.RUNNING


def test_an_idempotency_key_makes_a_double_click_one_run(alice: User) -> None:
    schedule = a_schedule()
    first = run_now.execute(schedule, user=alice, now=NOON, idempotency_key="click")
    second = run_now.execute(schedule, user=alice, now=NOON, idempotency_key="click")
    assert (second.run.pk, second.repeated) == (first.run.pk, True)
    assert Run.objects.count() == 1


def test_one_persons_key_is_not_anothers(alice: User, bob: User) -> None:
    schedule = a_schedule()
    run_now.execute(schedule, user=alice, now=NOON, idempotency_key="click")
    assert not run_now.execute(schedule, user=bob, now=NOON, idempotency_key="click").repeated


def test_without_a_scheduler_nobody_would_start_it(alice: User) -> None:
    later = NOON + timedelta(minutes=1)
    with pytest.raises(NoScheduler):
        run_now.execute(a_schedule(), user=alice, now=later)
    assert run_now.execute(a_schedule(), user=alice, now=later, queue=True).queued


def test_a_scheduler_that_does_not_execute_takes_no_run(alice: User) -> None:
    later = NOON + timedelta(minutes=1)
    a_scheduler(later, executes=False)
    with pytest.raises(NoScheduler):
        run_now.execute(a_schedule(), user=alice, now=later)
