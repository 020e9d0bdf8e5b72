"""One switch stops all scheduled work: instants are recorded, nothing scheduled starts."""

import logging
from datetime import timedelta

import pytest

from schedules import waits
from schedules.drain import drain, fill
from schedules.held_up import HeldUp
from schedules.models import Firing, Run, Setting
from schedules.states import Outcome, OverlapPolicy, RunStatus, Source
from schedules.tick import tick
from tests.support.builders import NOON, a_queued_run, a_running_run, a_schedule, the_situation

pytestmark = pytest.mark.django_db
FIVE = timedelta(minutes=5)


@pytest.fixture(autouse=True)
def stopped(db: None) -> None:
    Setting.objects.create(key="SCHEDULED_WORK_STOPPED", value="on")


def go_on() -> None:
    Setting.objects.filter(key="SCHEDULED_WORK_STOPPED").update(value="off")


def reasons(moment=NOON) -> set[str | None]:
    at = the_situation(moment)
    return {waits.reason(run, at) for run in Run.objects.queued().select_related("schedule")}


def test_nothing_scheduled_is_claimed_and_what_a_person_asked_for_is():
    a_queued_run(a_schedule(name="Scheduled"))
    by_hand = a_queued_run(a_schedule(name="By hand"), source=Source.MANUAL)
    assert [claim.run_id for claim in drain(the_situation(), "worker")] == [by_hand.pk]
    assert reasons() == {"stopped"}
    go_on()
    assert len(drain(the_situation(), "worker")) == 1


@pytest.mark.parametrize("policy", OverlapPolicy)
def test_every_due_instant_has_its_firing_and_one_run_of_a_schedule_waits(policy):
    a_schedule(overlap_policy=policy)
    for number in range(1, 5):
        assert tick(the_situation(NOON + number * FIVE)) == 1
    outcomes = list(Firing.objects.order_by("nominal_at").values_list("outcome", flat=True))
    assert outcomes == [Outcome.FIRED] + 3 * [Outcome.SKIPPED_OVERLAP]
    assert "All scheduled work is stopped" in Firing.objects.latest("nominal_at").reason
    assert Run.objects.queued().count() == 1


def test_a_running_run_is_not_cancelled_for_one_that_may_not_start():
    run, _ = a_running_run(a_schedule(overlap_policy=OverlapPolicy.CANCEL_RUNNING))
    tick(the_situation(NOON + FIVE))
    run.refresh_from_db()
    assert (run.status, run.cancel_requested_at) == (RunStatus.RUNNING, None)
    assert "goes on" in Firing.objects.get(outcome=Outcome.SKIPPED_OVERLAP).reason


@pytest.mark.parametrize(
    ("text", "stops"), [("on", True), ("1", True), ("off", False), ("2", False), ("x", False)]
)
def test_the_environment_may_say_it_too_and_a_bad_value_stops_nothing(text, stops, monkeypatch):
    Setting.objects.all().delete()
    monkeypatch.setenv("SCHEDULED_WORK_STOPPED", text)
    assert the_situation().conf.stopped is stops


def test_the_log_says_it_once_when_it_begins_and_once_when_it_ends(caplog):
    caplog.set_level(logging.INFO, "stagent.loop")
    held_up, run = HeldUp(), a_queued_run()
    for _ in range(3):
        at = the_situation()
        held_up.note(at, fill(at, "worker").full)
    assert [record.message for record in caplog.records] == [
        "Scheduled work is stopped in Settings: 1 run waits."
    ]
    go_on()
    at = the_situation()
    assert [claim.run_id for claim in drain(at, "worker")] == [run.pk]
    held_up.note(at, frozenset())
    held_up.queue_is_empty()
    assert [record.message for record in caplog.records][1:] == ["Scheduled work is not stopped any more."]


def test_a_full_cap_is_logged_when_somebody_waits_and_when_nobody_does(caplog):
    caplog.set_level(logging.INFO, "stagent.loop")
    go_on()
    Setting.objects.create(key="SCHEDULE_MAX_CONCURRENT", value="1")
    held_up = HeldUp()
    for name in ("One", "Two", "Three"):
        a_queued_run(a_schedule(name=name))
        at = the_situation()
        held_up.note(at, fill(at, "worker").full)
    held_up.queue_is_empty()
    assert [record.message for record in caplog.records] == [
        "The cap of 1 is full: 1 run waits.",
        "No run waits for the cap any more.",
    ]
