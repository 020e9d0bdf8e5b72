"""Due schedules are settled in groups: few statements, nobody waits for a lock, one's fault is its own."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from schedules.dispatch.tick import TOGETHER, tick
from schedules.models import Firing, Run, Schedule
from schedules.states import OverlapPolicy
from tests.support.builders import NOON, a_running_run, a_schedule, the_situation

pytestmark = pytest.mark.django_db
DUE = NOON + timedelta(minutes=5)


def many(count: int, **columns: object) -> list[Schedule]:
    return [a_schedule(name=f"Schedule {number}", interval="every 5m", **columns) for number in range(count)]


def statements(cases: int) -> int:
    many(cases)
    with CaptureQueriesContext(connection) as said:
        assert tick(the_situation(DUE)) == cases
    Schedule.objects.update(status="paused", next_fire_at=None, next_nominal_at=None)
    return len(said)


def test_a_schedule_more_in_a_group_costs_one_statement_more() -> None:
    assert statements(20) - statements(10) == 10


def test_more_than_a_group_is_settled_to_the_last() -> None:
    schedules = many(2 * TOGETHER + 1)
    assert tick(the_situation(DUE)) == len(schedules)
    for run in Run.objects.select_related("firing", "transcript"):
        assert run.firing
        assert (run.firing.schedule_id, run.firing.nominal_at) == (run.schedule_id, DUE)
    assert Run.objects.values("transcript").distinct().count() == len(schedules)


def test_in_a_group_only_the_one_that_raises_goes_without(caplog: pytest.LogCaptureFixture) -> None:
    schedules = many(TOGETHER)
    broken = schedules[7]
    Schedule.objects.filter(pk=broken.pk).update(cron="nonsense", every_sec=None)
    assert tick(the_situation(DUE)) == TOGETHER - 1
    assert not Firing.objects.filter(schedule=broken).exists()
    assert f"The tick of schedule {broken.pk} failed" in caplog.text


def test_each_schedule_clears_its_own_way() -> None:
    first, second, third = many(3, overlap_policy=OverlapPolicy.CANCEL_RUNNING)
    (earlier, _), (other, _) = a_running_run(first), a_running_run(second)
    assert tick(the_situation(DUE)) == 3
    for run in (earlier, other):
        run.refresh_from_db()
        assert run.cancel_requested_at == DUE
    assert Run.objects.queued().filter(schedule__in=(first, second, third)).count() == 3


def test_one_that_was_in_its_own_way_is_told_of_that_beside_others_that_fire() -> None:
    busy, free = many(2)
    run, _ = a_running_run(busy)
    tick(the_situation(DUE))
    assert Firing.objects.get(schedule=busy).reason == f"Run {run.pk} is still running."
    assert Firing.objects.get(schedule=free).outcome == "fired"


@pytest.fixture
def elsewhere() -> Iterator[psycopg.Connection]:
    """A connection of another process to the same database."""
    names = {name: connection.settings_dict[name] for name in ("HOST", "PORT", "USER", "PASSWORD")}
    told = {name.lower(): value for name, value in names.items() if value}
    with psycopg.connect(dbname=connection.settings_dict["NAME"], **told) as link:
        yield link
        link.rollback()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_what_another_process_holds_is_passed_over_and_stays_due(elsewhere: psycopg.Connection) -> None:
    held, free = many(2)
    elsewhere.execute("SELECT 1 FROM schedules_schedule WHERE id = %s FOR NO KEY UPDATE", [held.pk])
    assert tick(the_situation(DUE)) == 1
    assert Firing.objects.get().schedule_id == free.pk
    elsewhere.rollback()
    assert tick(the_situation(DUE)) == 1
    assert set(Firing.objects.values_list("schedule", flat=True)) == {held.pk, free.pk}
