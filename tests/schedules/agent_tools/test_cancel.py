"""Agents cancel runs in the name of a person; the schedule goes on."""

import json

import pytest

from agents.tools import registry
from agents.tools.base import ToolContext, ToolError
from schedules.models import Run
from schedules.states import RunStatus
from stagent.lib import clock
from tests.support.builders import a_queued_run, a_running_run, a_schedule, a_waiting_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def alices(alice):
    return ToolContext(user_id=alice.pk)


def cancel(context, **given):
    return json.loads(registry.get("cancel_run").call(context, given))


def test_the_running_run_of_a_schedule_is_asked_to_stop_and_the_schedule_stays_active(alices):
    schedule = a_schedule(clock.now(), name="Nightly report")
    run, _ = a_running_run(schedule, clock.now())
    waits = a_queued_run(schedule, clock.now())
    told = cancel(alices, schedule="nightly report", reason="It is wrong.")
    assert [row["run_id"] for row in told["runs"]] == [str(run.pk)]
    assert (told["schedule"]["status"], told["schedule"]["name"]) == ("active", "Nightly report")
    run.refresh_from_db()
    assert (run.cancel_requested_at is not None, run.cancel_reason) == (True, "It is wrong.")
    assert Run.objects.get(pk=waits.pk).status == RunStatus.QUEUED


def test_queued_and_parked_runs_are_cancelled_at_once(alices):
    queued = a_queued_run(a_schedule(clock.now(), name="Queued"), clock.now())
    parked, _ = a_waiting_run(a_schedule(clock.now(), name="Parked"), clock.now())
    for run in (queued, parked):
        assert cancel(alices, run=f"#{run.pk}")["runs"][0]["outcome"] == "cancelled"
        assert Run.objects.get(pk=run.pk).status == RunStatus.CANCELLED


def test_without_a_run_it_says_so_and_names_the_other_way(alices):
    a_schedule(clock.now(), name="Nightly report")
    with pytest.raises(ToolError, match=r"No run of 'Nightly report' is running.*pause_schedule"):
        cancel(alices, schedule="Nightly report")


@pytest.mark.parametrize("given", [{}, {"run": "1", "schedule": "S"}])
def test_one_thing_is_named(alices, given):
    with pytest.raises(ToolError, match="either a run or a schedule"):
        cancel(alices, **given)


def test_a_run_does_not_cancel_itself(alice):
    run, _ = a_running_run(a_schedule(clock.now(), name="Mine"), clock.now())
    with pytest.raises(ToolError, match="cannot cancel itself"):
        cancel(ToolContext(user_id=alice.pk, run_id=run.pk), run=str(run.pk))


def test_it_takes_the_permission_that_the_console_asks_for(charlie):
    run, _ = a_running_run(a_schedule(clock.now(), name="Mine"), clock.now())
    with pytest.raises(ToolError, match=r"schedules\.change_run"):
        cancel(ToolContext(user_id=charlie.pk), run=str(run.pk))
