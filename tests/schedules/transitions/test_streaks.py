"""Two streaks that never feed each other, grace after a new limit, and a pause that says why."""

from datetime import datetime, timedelta

import pytest

from agents.states import FailureKind, FailureReason
from schedules.models import Delivery, Schedule
from schedules.states import RunStatus, ScheduleKind, ScheduleStatus, Source
from schedules.transitions import Ending, finish, pause, resume, streaks
from tests.support.builders import NOON, a_running_run, a_schedule, has_worked

pytestmark = pytest.mark.django_db
R = FailureReason


def end(
    schedule: Schedule,
    reason: FailureReason | None = None,
    *,
    status: RunStatus | None = None,
    turns: int = 10,
    at: datetime = NOON,
    took_sec: int = 1,
    kind: FailureKind | None = None,
    report: dict[str, object] | None = None,
    source: Source = Source.SCHEDULED,
) -> Schedule:
    """Let one run of the schedule end as told, and return the schedule as it is afterwards."""
    run, claimed = a_running_run(schedule, at, source=source)
    status = status or (RunStatus.FAILED if reason else RunStatus.COMPLETED)
    ending = Ending(status, reason, kind=kind, report=report, worked_ms=took_sec * 1000)
    has_worked(claimed, turns)
    finish(run.pk, claimed.token, ending, now=at + timedelta(seconds=took_sec))
    schedule.refresh_from_db()
    return schedule


def streaks_of(schedule: Schedule) -> tuple[int, int]:
    return schedule.failure_streak, schedule.turn_budget_breach_streak


def test_the_third_generic_failure_in_a_row_pauses_the_schedule_and_says_why() -> None:
    schedule = a_schedule()
    for _ in range(2):
        assert end(schedule, R.SDK_ERROR).status == ScheduleStatus.ACTIVE
    end(schedule, R.SDK_ERROR)
    assert (schedule.status, schedule.next_fire_at) == (ScheduleStatus.PAUSED, None)
    assert schedule.paused_reason == "Paused itself: 3 failures in a row, the last one sdk_error."


def test_the_streaks_never_feed_each_other() -> None:
    schedule = a_schedule()
    for reason in (R.SDK_ERROR, R.TURN_LIMIT_EXCEEDED, R.SDK_ERROR, R.TURN_LIMIT_EXCEEDED):
        end(schedule, reason)
    assert streaks_of(schedule) == (2, 2)


def test_a_success_resets_both() -> None:
    schedule = a_schedule()
    end(schedule, R.SDK_ERROR)
    end(schedule, R.TURN_LIMIT_EXCEEDED)
    end(schedule)
    assert streaks_of(schedule) == (0, 0)


@pytest.mark.parametrize("reason", [R.OVERLOADED, R.RATE_LIMITED, R.AUTH_FAILED, R.ABORTED])
def test_what_is_not_the_schedules_fault_counts_for_neither(reason: FailureReason) -> None:
    assert streaks_of(end(a_schedule(), reason)) == (0, 0)


def test_a_cancelled_run_neither_counts_nor_resets() -> None:
    schedule = end(a_schedule(), R.SDK_ERROR)
    end(schedule, R.ABORTED, status=RunStatus.CANCELLED)
    assert streaks_of(schedule) == (1, 0)


def test_a_providers_spend_stop_counts_for_neither() -> None:
    assert streaks_of(end(a_schedule(), R.BUDGET_EXCEEDED, kind=FailureKind.SPEND_STOP)) == (0, 0)


def test_two_breaches_warn_with_the_average_and_an_advised_cap() -> None:
    schedule = a_schedule()
    end(schedule, R.TURN_LIMIT_EXCEEDED, turns=40)
    assert streaks.advice(schedule) == []
    end(schedule, R.TURN_LIMIT_EXCEEDED, turns=40)
    advice = "Its runs need at least 40 agent steps, where they were cut off; try a limit of 60 or more."
    assert streaks.advice(schedule) == [f"2 turn-limit breaches in a row. {advice}"]


def test_five_breaches_pause_the_schedule() -> None:
    schedule = a_schedule()
    for _ in range(5):
        end(schedule, R.TURN_LIMIT_EXCEEDED)
    assert (schedule.status, streaks_of(schedule)) == (ScheduleStatus.PAUSED, (0, 5))
    assert "5 turn-limit breaches" in schedule.paused_reason


def test_a_breach_within_two_intervals_of_a_new_limit_is_not_counted() -> None:
    schedule = a_schedule(cron="0 * * * *", max_turns=5, now=NOON)
    end(schedule, R.TURN_LIMIT_EXCEEDED, at=NOON + timedelta(minutes=119))
    assert streaks_of(schedule) == (0, 0)
    end(schedule, R.TURN_LIMIT_EXCEEDED, at=NOON + timedelta(minutes=121))
    assert streaks_of(schedule) == (0, 1)


@pytest.mark.parametrize("minute", [1, 29, 31, 59])
def test_the_grace_does_not_depend_on_when_in_the_hour_the_limit_was_set(minute: int) -> None:
    set_at = NOON + timedelta(minutes=minute)
    schedule = a_schedule(cron="0 * * * *", max_turns=5, now=set_at)
    end(schedule, R.TURN_LIMIT_EXCEEDED, at=set_at + timedelta(minutes=118))
    assert streaks_of(schedule) == (0, 0)


def test_averages_blend_seven_tenths_old_with_three_tenths_new() -> None:
    schedule = end(a_schedule(), turns=10, took_sec=10)
    end(schedule, turns=20, took_sec=20)
    assert schedule.avg_turns_per_firing == pytest.approx(13)
    assert schedule.avg_duration_ms == pytest.approx(13_000)
    assert schedule.last_turn_count == 20


def test_three_runs_near_their_time_limit_warn() -> None:
    schedule = a_schedule(max_run_duration_sec=100)
    for _ in range(3):
        end(schedule, took_sec=81)
    assert "raise the time limit" in streaks.advice(schedule)[0]
    end(schedule, took_sec=10)
    assert streaks.advice(schedule) == []


def test_a_schedule_a_person_paused_meanwhile_keeps_their_reason() -> None:
    schedule = a_schedule()
    for _ in range(2):
        end(schedule, R.SDK_ERROR)
    pause(schedule.pk, now=NOON, reason="Holiday.")
    end(schedule, R.SDK_ERROR)
    assert (schedule.status, schedule.paused_reason) == (ScheduleStatus.PAUSED, "Holiday.")


def test_resuming_forgives_the_streaks() -> None:
    schedule = a_schedule()
    for _ in range(3):
        end(schedule, R.SDK_ERROR)
    resume(schedule.pk, now=NOON)
    schedule.refresh_from_db()
    assert (schedule.status, streaks_of(schedule), schedule.paused_reason) == (
        ScheduleStatus.ACTIVE,
        (0, 0),
        "",
    )


def test_a_self_pause_is_told_to_the_schedules_targets() -> None:
    schedule = a_schedule(email="ops@example.org")
    for _ in range(3):
        end(schedule, R.SDK_ERROR)
    told = Delivery.objects.get(kind=Delivery.Kind.SELF_PAUSE)
    assert (told.target, told.payload["reason"]) == ("ops@example.org", schedule.paused_reason)


def test_a_heartbeat_without_news_is_recorded_and_not_delivered() -> None:
    schedule = a_schedule(kind=ScheduleKind.HEARTBEAT, email="ops@example.org")
    end(schedule, source=Source.HEARTBEAT, report={"changed": False, "severity": "info", "body": ""})
    assert schedule.suppression_count == 1
    assert not Delivery.objects.exists()
