"""When a slot is expected: from what earlier runs took, as a range, and it says what it is taken from."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from schedules.forecast.duration_history import Basis, Span
from schedules.forecast.eta import SlotEta
from schedules.models import Run, Schedule, Setting, Slot
from schedules.states import RunStatus
from tests.support.builders import NOON, a_queued_run, a_running_run, a_schedule

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def one_slot(db: None) -> None:
    Setting.objects.create(key="SCHEDULE_MAX_CONCURRENT", value="1")


def that_took(seconds: Sequence[float], name: str = "Nightly report", **columns: object) -> Schedule:
    """Make a schedule whose earlier runs took so many seconds."""
    schedule = a_schedule(name=name)
    for number, took in enumerate(seconds, 1):
        at = NOON - number * timedelta(hours=1)
        run = a_queued_run(schedule, at)
        ended = {"status": RunStatus.COMPLETED, "finished_at": at + took * SECOND, "turn_count": 3}
        Run.objects.filter(pk=run.pk).update(worked_ms=round(took * 1000), **ended | columns)
    return schedule


def eta(running: Schedule, elapsed: float) -> SlotEta:
    a_running_run(running, NOON - elapsed * SECOND)
    return SlotEta.of(NOON)


def test_a_two_minute_run_that_has_run_for_65_seconds_has_about_55_to_go() -> None:
    told = eta(that_took([118, 120, 122]), 65)
    assert (told.eta_sec, told.basis) == (55, Basis.HISTORY)
    low, high = told.range_sec
    assert low < 55 < high < 120
    assert told.taken_from == "Taken from 3 earlier runs of “Nightly report”."


def test_short_runs_of_the_past_say_nothing_about_one_that_has_outlived_them() -> None:
    told = eta(that_took([5, 5, 6, 5, 120]), 65)
    assert told.eta_sec == 55
    assert told.range_sec[1] >= 55


def test_the_more_runs_it_is_taken_from_the_narrower_the_range() -> None:
    def width(times: int) -> int:
        low, high = eta(that_took([120] * times, name=f"{times} times"), 0).range_sec
        return high - low

    widths = []
    for times in (1, 3, 20):
        Slot.objects.update(run=None)
        Run.objects.all().delete()
        widths.append(width(times))
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > widths[-1]


@pytest.mark.parametrize("elapsed", [1, 65, 900])
def test_without_any_history_it_says_so_and_knows_only_the_time_limit(elapsed: int) -> None:
    told = eta(a_schedule(name="New one"), elapsed)
    left = 1200 - elapsed
    assert (told.range_sec, told.basis) == ((1, left), Basis.LIMIT)
    assert 1 <= told.eta_sec <= left
    assert told.taken_from.startswith("Taken from the time limit of “New one”, because no earlier run tells")


def test_a_run_that_outlasts_its_history_is_bounded_by_its_time_limit_alone() -> None:
    told = eta(that_took([10, 12]), 300)
    assert (told.basis, told.range_sec) == (Basis.LIMIT, (1, 900))
    assert "“Nightly report”, which runs longer than all its earlier runs" in told.taken_from


def test_a_schedule_that_never_ran_is_judged_by_others_of_its_profile_and_it_says_so() -> None:
    other = a_schedule(name="Old one")
    Schedule.objects.filter(pk=other.pk).update(avg_duration_ms=100_000)
    told = eta(a_schedule(name="New one"), 40)
    assert (told.eta_sec, told.basis) == (60, Basis.SIMILAR)
    assert told.range_sec == (30, 1200 - 40)
    assert "runs of similar schedules (“New one” has none yet)" in told.taken_from


def test_short_runs_of_others_bound_nothing_and_are_not_called_its_own() -> None:
    other = a_schedule(name="Quick one")
    Schedule.objects.filter(pk=other.pk).update(avg_duration_ms=100)
    told = eta(a_schedule(name="New one"), 40)
    assert (told.basis, told.range_sec) == (Basis.LIMIT, (1, 1200 - 40))
    assert told.eta_sec == 20
    assert told.taken_from.startswith("Taken from the time limit of “New one”, because no earlier run tells")


def test_a_new_schedule_in_the_queue_may_take_its_whole_time_limit() -> None:
    running, new = that_took([120] * 20), a_schedule(name="New one")
    Schedule.objects.filter(pk=running.pk).update(avg_duration_ms=100)
    a_queued_run(new, now=NOON - timedelta(hours=1))
    assert eta(running, 60).range_sec[1] > 1200


def test_runs_that_failed_are_no_history() -> None:
    told = eta(that_took([3, 3, 3], status=RunStatus.FAILED, failure_reason="overloaded"), 1)
    assert told.basis == Basis.LIMIT


def test_who_waits_in_front_adds_what_their_runs_take() -> None:
    running, waits = that_took([120] * 20), that_took([30] * 20, name="Waits")
    a_queued_run(waits, now=NOON - timedelta(hours=1))
    told = eta(running, 60)
    assert (told.eta_sec, told.position) == (60 + 30, 2)
    assert told.range_sec[0] < 90 < told.range_sec[1]


def test_no_estimate_is_beyond_the_time_limit_or_below_a_second() -> None:
    assert Span(0, 50, 500).within(1, 100) == (1, 50, 100)
