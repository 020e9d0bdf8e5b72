"""One switch stops all scheduled work: instants are recorded, nothing scheduled starts."""

import logging
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry

from schedules.capacity import wait_reasons
from schedules.dispatch.block_log import BlockLog
from schedules.dispatch.drain import drain, fill
from schedules.dispatch.tick import tick
from schedules.models import Firing, Run, Setting
from schedules.states import Outcome, OverlapPolicy, RunStatus, Source
from stagent.lib import clock
from tests.support.builders import (
    NOON,
    a_queued_run,
    a_running_run,
    a_schedule,
    a_scheduler,
    the_situation,
)
from tests.support.programs import Program, refusal

pytestmark = pytest.mark.django_db
FIVE = timedelta(minutes=5)


@pytest.fixture(autouse=True)
def stopped(db: None) -> None:
    Setting.objects.create(key="SCHEDULED_WORK_STOPPED", value="on")


def go_on() -> None:
    Setting.objects.filter(key="SCHEDULED_WORK_STOPPED").update(value="off")


def reasons(moment=NOON) -> set[str | None]:
    at = the_situation(moment)
    return {wait_reasons.reason(run, at) for run in Run.objects.queued().select_related("schedule")}


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
    caplog.set_level(logging.INFO, "schedules.dispatch.block_log")
    block_log, run = BlockLog(), a_queued_run()
    for _ in range(3):
        at = the_situation()
        block_log.update(at, fill(at, "worker").full)
    assert [record.message for record in caplog.records] == [
        "Scheduled work is stopped in Settings: 1 run waits."
    ]
    go_on()
    at = the_situation()
    assert [claim.run_id for claim in drain(at, "worker")] == [run.pk]
    block_log.update(at, frozenset())
    block_log.queue_is_empty()
    assert [record.message for record in caplog.records][1:] == ["Scheduled work is not stopped any more."]


def test_a_full_cap_is_logged_when_somebody_waits_and_when_nobody_does(caplog):
    caplog.set_level(logging.INFO, "schedules.dispatch.block_log")
    go_on()
    Setting.objects.create(key="SCHEDULE_MAX_CONCURRENT", value="1")
    block_log = BlockLog()
    for name in ("One", "Two", "Three"):
        a_queued_run(a_schedule(name=name))
        at = the_situation()
        block_log.update(at, fill(at, "worker").full)
    block_log.queue_is_empty()
    assert [record.message for record in caplog.records] == [
        "The cap of 1 is full: 1 run waits.",
        "No run waits for the cap any more.",
    ]


def test_it_is_turned_in_the_console_and_no_page_hides_it(reader, monkeypatch):
    go_on()
    assert "All scheduled work is stopped" not in reader.opens("/admin/")
    settings = "/admin/schedules/setting/"
    page = reader.presses(settings, key="SCHEDULED_WORK_STOPPED", value="on")
    assert "SCHEDULED_WORK_STOPPED is now on." in page
    assert "Resume scheduled work" in page
    for url in ("/admin/", "/admin/schedules/schedule/", "/admin/forecast/", settings):
        page = reader.opens(url)
        assert "All scheduled work is stopped since" in page, url
        assert "scheduled work stopped" in page
    assert LogEntry.objects.get().change_message == "Set to on."
    assert "is not on or off" in reader.presses(settings, key="SCHEDULED_WORK_STOPPED", value="2")
    reader.presses(settings, key="SCHEDULED_WORK_STOPPED", value="off")
    assert "All scheduled work is stopped" not in reader.opens("/admin/")


def test_it_is_turned_over_the_api_and_status_and_forecast_know(alice, bob):
    api = Program(alice)
    assert api.get("/status").json()["scheduled_work_stopped"] is True
    assert api.get("/forecast").json()["scheduled_work_stopped"] is True
    answer = api.patch("/settings/scheduled_work_stopped", {"value": False})
    assert (answer.status_code, answer.json()["value"], answer.json()["source"]) == (200, 0, "admin")
    assert api.get("/status").json()["scheduled_work_stopped"] is False
    assert api.patch("/settings/SCHEDULED_WORK_STOPPED", {"value": None}).json()["source"] == "default"
    assert refusal(api.patch("/settings/scheduled_work_stopped", {"value": 2})) == (422, "validation_error")
    assert refusal(api.patch("/settings/SCHEDULE_MAX_CONCURRENT", {"value": 0})) == (422, "validation_error")
    assert refusal(api.patch("/settings/SCHEDULE_MAX_CONCURRENT", {"value": True})) == (
        422,
        "validation_error",
    )
    assert api.patch("/settings/SCHEDULE_MAX_CONCURRENT", {"value": 3}).json()["value"] == 3
    assert refusal(api.patch("/settings/nothing", {"value": 1})) == (404, "setting_not_found")
    assert Program(bob).patch("/settings/scheduled_work_stopped", {"value": True}).status_code == 403


def test_the_install_is_ready_all_the_same(client, db):
    a_scheduler(clock.now())
    assert client.get("/readyz").status_code == 200
