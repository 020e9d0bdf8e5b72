"""Statistics read only runs that worked; one that was cut off at its own limit is a lower bound."""

from datetime import timedelta
from typing import Any

import pytest

from agents.failure_policies import POLICIES, Sample
from agents.states import FailureKind as K
from schedules.admin.runs.hints import usual_steps
from schedules.models import Run, Schedule, statistics_filter
from schedules.states import RunStatus
from schedules.transitions import Ending, finish, streaks
from tests.support.builders import NOON, a_running_run, a_schedule, has_worked

pytestmark = pytest.mark.django_db


def end(schedule: Schedule, kind: K | None, turns: int, sec: int = 10, **more: Any) -> Run:
    """Let one run end after so many steps and seconds of work."""
    run, claimed = a_running_run(schedule)
    has_worked(claimed, turns)
    status = more.pop("status", RunStatus.FAILED if kind else RunStatus.COMPLETED)
    ending = Ending(status, kind=kind, worked_ms=sec * 1000, **more)
    run = finish(run.pk, claimed.token, ending, now=NOON + timedelta(hours=5))
    schedule.refresh_from_db()
    return run


def test_runs_that_never_worked_leave_every_average_as_it_is() -> None:
    schedule = a_schedule()
    for _ in range(3):
        end(schedule, None, 12)
    for _ in range(5):
        end(schedule, K.OVERLOADED, 0, sec=0)
    assert (schedule.avg_turns_per_firing, schedule.avg_duration_ms, schedule.last_turn_count) == (
        12,
        10_000,
        12,
    )
    assert usual_steps(schedule.profile_id) == "schedules with this profile average ~12 steps"


@pytest.mark.parametrize("kind", list(K))
@pytest.mark.parametrize("turns", [0, 5])
def test_the_query_and_the_running_average_agree_about_every_kind(kind: K, turns: int) -> None:
    schedule = a_schedule()
    run = end(schedule, kind, turns)
    sample = statistics_filter.of(run.status, run.failure_kind, run.turn_count)
    assert sample == (POLICIES[kind].sample if turns else Sample.NONE)
    assert Run.objects.worked().exists() == (sample != Sample.NONE)
    assert Run.objects.worked_to_the_end().exists() == (sample == Sample.WHOLE)
    assert (schedule.avg_turns_per_firing is not None) == (sample != Sample.NONE)


def test_a_cancelled_run_says_nothing_of_its_schedule() -> None:
    schedule = a_schedule()
    end(schedule, K.CANCELLED, 3, status=RunStatus.CANCELLED)
    assert schedule.avg_turns_per_firing is None
    assert not Run.objects.worked().exists()


def test_a_run_that_was_cut_off_never_lowers_an_average_and_is_said_to_be_a_least() -> None:
    schedule = a_schedule(max_turns=2)
    end(schedule, None, 12)
    end(schedule, K.TURN_LIMIT, 2)
    assert (schedule.avg_turns_per_firing, schedule.avg_is_lower_bound) == (12, True)
    assert usual_steps(schedule.profile_id) == "schedules with this profile average at least ~12 steps"
    end(schedule, None, 12)
    assert not schedule.avg_is_lower_bound


@pytest.mark.parametrize("cut_at", [2, 40, 9_000])
def test_the_limit_advised_is_above_where_the_runs_were_cut(cut_at: int) -> None:
    schedule = a_schedule()
    end(schedule, None, 1)
    Schedule.objects.update(last_turn_count=cut_at, avg_is_lower_bound=True)
    schedule.refresh_from_db()
    advised = int(streaks.breach_advice(schedule).split("limit of ")[1].split()[0])
    assert advised > cut_at
    assert f"at least {cut_at} agent steps" in streaks.breach_advice(schedule)
