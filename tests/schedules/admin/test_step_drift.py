"""A schedule that takes other numbers of steps than it used to is noticed."""

from datetime import timedelta

import pytest

from schedules.admin.runs.step_drift import drift
from schedules.models import Run, Schedule
from schedules.states import RunStatus
from tests.support.builders import NOON, a_queued_run, a_schedule

pytestmark = pytest.mark.django_db


def a_history(*counts: int) -> Schedule:
    """A schedule whose runs took these steps, the oldest first."""
    schedule = a_schedule()
    for number, count in enumerate(counts):
        run = a_queued_run(schedule, NOON + timedelta(minutes=number))
        Run.objects.filter(pk=run.pk).update(status=RunStatus.COMPLETED, finished_at=NOON, turn_count=count)
    return schedule


def test_steady_runs_do_not_drift() -> None:
    assert drift(a_history(*[10] * 8, 12, 9, 10, 11, 12)) == ""


def test_more_steps_than_before_are_said() -> None:
    schedule = a_history(*[10] * 8, *[20] * 5)
    assert drift(schedule) == "The last 5 runs took 20 steps (median), more than the 10 before."


def test_fewer_steps_than_before_are_said() -> None:
    assert "fewer than the 10 before" in drift(a_history(*[10] * 8, *[4] * 5))


def test_one_odd_run_is_no_drift() -> None:
    assert drift(a_history(*[10] * 12, 500)) == ""


def test_a_short_history_says_nothing() -> None:
    assert drift(a_history(1, 100, 1, 100, 1, 100)) == ""
