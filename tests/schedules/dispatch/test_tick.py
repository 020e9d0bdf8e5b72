"""One row for every due instant, whatever was decided; exactly one firing however many tick."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import OperationalError, connection

from agents.models import Budget, LedgerEntry
from schedules.dispatch.tick import tick
from schedules.models import Firing, Run, Schedule
from schedules.services import schedule_writer
from schedules.states import (
    MisfirePolicy,
    Outcome,
    OverlapPolicy,
    RunStatus,
    ScheduleKind,
    ScheduleStatus,
    Source,
)
from schedules.transitions import pause, resume
from schedules.transitions.schedules.fire import fire_as_read
from tests.support.builders import NOON, a_queued_run, a_running_run, a_schedule, the_situation

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def tick_at(moment: datetime) -> int:
    return tick(the_situation(moment))


def outcomes(schedule: Schedule) -> list[str]:
    return list(
        Firing.objects.filter(schedule=schedule).order_by("nominal_at").values_list("outcome", flat=True)
    )


def test_the_tick_records_a_firing_and_queues_a_run() -> None:
    schedule = a_schedule(interval="every 5m", max_turns=7)
    tick_at(NOON + 5 * MINUTE)
    firing = Firing.objects.get()
    assert (firing.outcome, firing.nominal_at, firing.fired_at) == (
        Outcome.FIRED,
        NOON + 5 * MINUTE,
        NOON + 5 * MINUTE,
    )
    assert (firing.run.status, firing.run.source, firing.run.max_turns) == (
        RunStatus.QUEUED,
        Source.SCHEDULED,
        7,
    )
    schedule.refresh_from_db()
    assert (schedule.firing_count, schedule.next_fire_at) == (1, NOON + 10 * MINUTE)


def test_nothing_fires_before_it_is_due() -> None:
    a_schedule(interval="every 5m")
    assert tick_at(NOON + timedelta(minutes=4, seconds=59)) == 0


def test_an_instant_fires_once_however_often_it_is_ticked() -> None:
    a_schedule(interval="every 5m")
    tick_at(NOON + 5 * MINUTE)
    tick_at(NOON + 5 * MINUTE)
    assert Firing.objects.count() == Run.objects.count() == 1


def test_a_tick_that_read_an_old_next_instant_loses() -> None:
    schedule = a_schedule(interval="every 5m")
    stale = Schedule.objects.get(pk=schedule.pk)
    tick_at(NOON + 5 * MINUTE)
    assert fire_as_read([stale], the_situation(NOON + 5 * MINUTE)) == 0
    assert Firing.objects.count() == 1


def test_an_error_in_one_schedule_stops_no_other() -> None:
    broken, sound = a_schedule(name="Broken"), a_schedule(name="Sound")
    Schedule.objects.filter(pk=broken.pk).update(timezone="Nowhere/Land")
    tick_at(NOON + 5 * MINUTE)
    assert list(Firing.objects.values_list("schedule", flat=True)) == [sound.pk]


def test_an_edit_never_fires_for_an_instant_before_it() -> None:
    schedule = a_schedule(interval="every 1h")
    schedule_writer.save(schedule, {"interval": "every 5m"}, now=NOON + 31 * MINUTE)
    tick_at(NOON + 34 * MINUTE)
    assert not Firing.objects.exists()
    tick_at(NOON + 35 * MINUTE)
    assert Firing.objects.get().nominal_at == NOON + 35 * MINUTE


def test_a_tick_that_read_a_schedule_before_an_edit_loses_even_when_the_next_instant_is_the_same() -> None:
    schedule = a_schedule(interval="every 5m")
    stale = Schedule.objects.get(pk=schedule.pk)
    schedule_writer.save(schedule, {"cron": "5 * * * *"}, now=NOON + MINUTE)
    assert schedule.next_fire_at == stale.next_fire_at
    assert fire_as_read([stale], the_situation(NOON + 5 * MINUTE)) == 0
    tick_at(NOON + 5 * MINUTE)
    schedule.refresh_from_db()
    assert schedule.next_fire_at == NOON + 65 * MINUTE


def test_paused_time_is_not_missed_time() -> None:
    schedule = a_schedule(interval="every 5m")
    pause(schedule.pk, now=NOON)
    tick_at(NOON + 60 * MINUTE)
    resume(schedule.pk, now=NOON + 61 * MINUTE)
    tick_at(NOON + 64 * MINUTE)
    assert not Firing.objects.exists()
    tick_at(NOON + 65 * MINUTE)
    assert outcomes(schedule) == [Outcome.FIRED]


# After downtime.


def test_after_downtime_the_newest_instant_stands_for_the_others() -> None:
    schedule = a_schedule(interval="every 5m")
    tick_at(NOON + 34 * MINUTE)
    coalesced, fired = Firing.objects.order_by("nominal_at")
    assert (coalesced.outcome, coalesced.count, coalesced.nominal_at) == (
        Outcome.COALESCED,
        5,
        NOON + 5 * MINUTE,
    )
    assert "5 instants" in coalesced.reason
    assert (fired.outcome, fired.nominal_at) == (Outcome.FIRED, NOON + 30 * MINUTE)
    assert Run.objects.count() == 1
    schedule.refresh_from_db()
    assert schedule.next_fire_at == NOON + 35 * MINUTE


def test_the_skip_policy_explains_what_it_skipped() -> None:
    schedule = a_schedule(cron="0 * * * *", misfire_policy=MisfirePolicy.SKIP)
    tick_at(NOON + timedelta(hours=3, minutes=45))
    assert outcomes(schedule) == [Outcome.SKIPPED_MISFIRE]
    assert Firing.objects.get().count == 3


def test_fire_all_fires_at_most_ten_one_after_the_other() -> None:
    schedule = a_schedule(interval="every 5m", misfire_policy=MisfirePolicy.FIRE_ALL)
    tick_at(NOON + timedelta(hours=2, minutes=1))
    assert outcomes(schedule) == [Outcome.COALESCED] + [Outcome.FIRED] * 10
    assert Run.objects.queued().count() == 10


# Overlap.


def test_an_instant_is_skipped_while_an_earlier_run_is_unfinished() -> None:
    schedule = a_schedule(interval="every 5m")
    run, _ = a_running_run(schedule)
    tick_at(NOON + 5 * MINUTE)
    firing = Firing.objects.get()
    assert firing.outcome == Outcome.SKIPPED_OVERLAP
    assert str(run.pk) in firing.reason
    schedule.refresh_from_db()
    assert schedule.next_fire_at == NOON + 10 * MINUTE


def test_two_schedules_of_one_name_do_not_block_each_other() -> None:
    a_running_run(a_schedule(name="Twin"))
    twin = a_schedule(name="Twin")
    tick_at(NOON + 5 * MINUTE)
    assert outcomes(twin) == [Outcome.FIRED]


def test_queue_one_lets_one_wait_and_skips_the_next() -> None:
    schedule = a_schedule(interval="every 5m", overlap_policy=OverlapPolicy.QUEUE_ONE)
    a_running_run(schedule)
    tick_at(NOON + 5 * MINUTE)
    tick_at(NOON + 10 * MINUTE)
    assert outcomes(schedule) == [Outcome.FIRED, Outcome.SKIPPED_OVERLAP]


def test_allow_lets_runs_overlap() -> None:
    schedule = a_schedule(interval="every 5m", overlap_policy=OverlapPolicy.ALLOW)
    a_running_run(schedule)
    tick_at(NOON + 5 * MINUTE)
    assert outcomes(schedule) == [Outcome.FIRED]


def test_cancel_running_asks_the_earlier_run_to_stop() -> None:
    schedule = a_schedule(interval="every 5m", overlap_policy=OverlapPolicy.CANCEL_RUNNING)
    earlier, _ = a_running_run(schedule)
    waiting = a_queued_run(schedule)
    tick_at(NOON + 5 * MINUTE)
    earlier.refresh_from_db()
    waiting.refresh_from_db()
    assert earlier.cancel_requested_at == NOON + 5 * MINUTE
    assert waiting.status == RunStatus.CANCELLED
    assert outcomes(schedule) == [Outcome.FIRED]


# Ends.


def test_a_one_shot_fires_once_and_is_completed() -> None:
    schedule = a_schedule(at=NOON + 3 * MINUTE)
    tick_at(NOON + 3 * MINUTE)
    schedule.refresh_from_db()
    assert (outcomes(schedule), schedule.status, schedule.next_fire_at) == (
        [Outcome.FIRED],
        ScheduleStatus.COMPLETED,
        None,
    )


def test_max_firings_completes_the_schedule() -> None:
    schedule = a_schedule(interval="every 5m", max_firings=2, overlap_policy=OverlapPolicy.ALLOW)
    for minutes in (5, 10, 15):
        tick_at(NOON + minutes * MINUTE)
    schedule.refresh_from_db()
    assert (outcomes(schedule), schedule.status) == ([Outcome.FIRED] * 2, ScheduleStatus.COMPLETED)


def test_instants_beyond_max_firings_are_capped() -> None:
    schedule = a_schedule(interval="every 5m", max_firings=3, misfire_policy=MisfirePolicy.FIRE_ALL)
    tick_at(NOON + 25 * MINUTE)
    assert outcomes(schedule) == [Outcome.FIRED] * 3 + [Outcome.LIMIT_REACHED] * 2


def test_a_schedule_is_completed_after_its_end() -> None:
    schedule = a_schedule(interval="every 5m", ends_at=NOON + 7 * MINUTE)
    tick_at(NOON + 5 * MINUTE)
    schedule.refresh_from_db()
    assert schedule.status == ScheduleStatus.COMPLETED


# Heartbeats, budgets, jitter, daylight saving.


def test_a_heartbeat_keeps_its_quiet_hours_in_its_own_zone() -> None:
    schedule = a_schedule(
        cron="0 * * * *",
        kind=ScheduleKind.HEARTBEAT,
        timezone="Europe/Berlin",
        active_from=time(8),
        active_until=time(14),
    )
    tick_at(NOON + timedelta(hours=1))  # 14:00 in Berlin
    assert outcomes(schedule) == [Outcome.SKIPPED_QUIET_HOURS]
    assert "08:00 to 14:00" in Firing.objects.get().reason


def test_a_spent_budget_skips_and_says_so() -> None:
    schedule = a_schedule()
    Budget.objects.create(scope="schedule", subject_id=schedule.pk, window="day", max_turns=1)
    LedgerEntry.objects.create(at=NOON, activity="run_turn", schedule_id=schedule.pk)
    tick_at(NOON + 5 * MINUTE)
    assert outcomes(schedule) == [Outcome.SKIPPED_BUDGET]


def test_jitter_moves_the_firing_and_keeps_the_instant() -> None:
    schedule = a_schedule(interval="every 5m", jitter_sec=200)
    assert schedule.next_nominal_at == NOON + 5 * MINUTE
    due_at = schedule.next_fire_at
    assert due_at is not None
    assert NOON + 5 * MINUTE < due_at < NOON + 10 * MINUTE
    tick_at(due_at - timedelta(seconds=1))
    assert not Firing.objects.exists()
    tick_at(due_at)
    firing = Firing.objects.get()
    assert (firing.nominal_at, firing.due_at) == (NOON + 5 * MINUTE, due_at)


def test_an_instant_in_the_spring_gap_fires_right_after_it_and_is_marked() -> None:
    night = datetime(2027, 3, 28, 0, 0, tzinfo=UTC)
    a_schedule(now=night, cron="30 2 * * *", timezone="Europe/Berlin")
    tick_at(night + timedelta(hours=1))
    firing = Firing.objects.get()
    assert (firing.nominal_at, firing.dst_shifted) == (night + timedelta(hours=1), True)


def test_a_schedule_that_cannot_be_ticked_is_set_aside_for_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    broken = a_schedule(cron="*/5 * * * *")
    a_schedule(name="whole")
    Schedule.objects.filter(pk=broken.pk).update(cron="nonsense")
    later = NOON + timedelta(minutes=5)
    assert tick(the_situation(later)) == 1
    assert tick(the_situation(later)) == 0
    tick(the_situation(later + timedelta(minutes=1)))
    told = [message for message in caplog.messages if message.startswith("The tick of schedule")]
    assert len(told) == 1


def test_an_edit_that_waited_its_turn_does_not_fire_again_what_was_fired_meanwhile() -> None:
    schedule = a_schedule(cron="*/5 * * * *")
    fired_at = NOON + timedelta(minutes=5)
    tick(the_situation(fired_at))
    schedule = Schedule.objects.get()
    schedule_writer.save(schedule, {"cron": "*/10,5 * * * *"}, now=fired_at - timedelta(seconds=1))
    assert schedule.next_nominal_at == NOON + timedelta(minutes=10)


@pytest.mark.sqlite
def test_a_database_that_takes_no_writes_is_no_schedules_fault(caplog) -> None:
    schedule = a_schedule(interval="every 5m")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = ON")
        try:
            with pytest.raises(OperationalError):
                tick_at(NOON + 5 * MINUTE)
        finally:
            cursor.execute("PRAGMA query_only = OFF")
    assert "The tick of schedule" not in caplog.text
    tick_at(NOON + 5 * MINUTE)
    assert outcomes(schedule) == [Outcome.FIRED]
