"""How long a run is expected to take: by its own history, else by that of its like."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.models import Project
from schedules import conf
from schedules.forecast.estimates import DEFAULT_SEC, DurationEstimates
from schedules.models import Schedule
from tests.support.builders import a_profile, a_schedule

pytestmark = pytest.mark.django_db


def took(seconds: float | None, profile: str = "worker", **changes: object) -> Schedule:
    """A schedule whose runs took so long on average."""
    schedule = a_schedule(profile=a_profile(profile), **changes)
    schedule.avg_duration_ms = None if seconds is None else seconds * 1000
    schedule.save()
    return schedule


def expected(schedule: Schedule | None) -> float:
    return DurationEstimates(conf.load()).of(schedule)


def test_its_own_average_goes_before_all_others() -> None:
    took(900)
    assert expected(took(30)) == 30


def test_a_new_schedule_takes_what_its_profile_usually_takes() -> None:
    for seconds in (100, 500, 700):
        took(seconds)
    took(5, "reporter")
    assert expected(took(None)) == 500


def test_else_what_its_project_usually_takes() -> None:
    project = Project.objects.create(slug="p", name="P")
    took(800, project=project)
    took(10, "reporter")
    assert expected(took(None, "newcomer", project=project)) == 800


def test_else_what_all_schedules_usually_take() -> None:
    for seconds in (10, 200, 1000):
        took(seconds)
    assert expected(took(None, "newcomer")) == 200
    assert expected(None) == 200


def test_where_nothing_ever_ran_it_is_a_guess() -> None:
    assert expected(took(None)) == DEFAULT_SEC


def test_nothing_is_expected_to_take_longer_than_it_may() -> None:
    assert expected(took(5000)) == conf.load().max_run_duration_sec
    assert expected(took(None, max_run_duration_sec=40)) == 40


def test_the_others_are_only_read_where_they_are_needed() -> None:
    known, new = took(30), took(None)
    durations = DurationEstimates(conf.load())
    with CaptureQueriesContext(connection) as asked:
        durations.of(known)
        assert len(asked) == 0
        durations.of(new)
        durations.of(new)
        assert len(asked) == 1
