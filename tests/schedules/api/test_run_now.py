"""Run now over HTTP: 200 with room, 429 with a true ETA, 202 in the queue, forced with a trail."""

import pytest
from django.contrib.admin.models import LogEntry

from agents.models import LedgerEntry
from schedules.models import Firing, Run, Schedule, Scheduler, Slot
from schedules.models.run import UNADOPTED
from schedules.states import RunStatus
from schedules.transitions import pause
from stagent.lib import clock
from tests.support.builders import a_running_run, a_schedule, a_scheduler
from tests.support.programs import Program, refusal

NOBODY = 10**15


@pytest.fixture
def api(alice):
    a_scheduler(clock.now())
    return Program(alice)


@pytest.fixture
def schedule(api):
    return a_schedule(clock.now(), name="Wanted")


@pytest.fixture
def full(api):
    """The cap of two is full: the next to end has usually about 100 seconds to go."""
    slow, quick = a_schedule(clock.now(), name="Slow"), a_schedule(clock.now(), name="Quick")
    Schedule.objects.filter(pk=slow.pk).update(avg_duration_ms=900_000)
    Schedule.objects.filter(pk=quick.pk).update(avg_duration_ms=100_000)
    return [a_running_run(one, clock.now())[0] for one in (quick, slow)]


def test_with_room_it_holds_a_slot_when_the_answer_comes(api, schedule):
    answer = api.post(f"/schedules/{schedule.pk}/execute")
    run = Run.objects.get()
    assert (answer.status_code, answer.json()) == (200, {"run_id": str(run.pk), "forced": False})
    assert (run.status, run.holder, run.source) == (RunStatus.RUNNING, UNADOPTED, "manual")
    assert Slot.objects.get(run=run).pool == "default"
    assert api.get(f"/runs/{run.pk}").json()["slot"] == "default #1"
    assert LogEntry.objects.get().change_message == f"Started run {run.pk}. Through the API."


def test_a_full_cap_is_429_with_who_blocks_and_how_long(api, schedule, full):
    runs, firings = Run.objects.count(), Firing.objects.count()
    answer = api.post(f"/schedules/{schedule.pk}/execute")
    assert refusal(answer) == (429, "capacity_full")
    body = answer.json()
    assert 90 <= body["slot_eta_sec"] <= 101
    assert answer.headers["retry-after"] == str(body["slot_eta_sec"])
    assert body["position"] == 1
    assert body["blocking"] == [str(run.pk) for run in full]
    assert (Run.objects.count(), Firing.objects.count()) == (runs, firings)
    assert not LogEntry.objects.exists()


def test_a_full_cap_with_queue_is_202_and_waits(api, schedule, full):
    answer = api.post(f"/schedules/{schedule.pk}/execute?queue=true")
    assert answer.status_code == 202
    assert answer.json() == {"run_id": str(Run.objects.queued().get().pk), "forced": False}
    shown = api.get(f"/runs/{answer.json()['run_id']}").json()
    assert (shown["status"], shown["wait_reason"], shown["slot"]) == ("queued", "slot", None)


def test_with_room_queue_changes_nothing(api, schedule):
    assert api.post(f"/schedules/{schedule.pk}/execute?queue=true").status_code == 200


def test_forced_it_runs_beyond_the_cap_and_leaves_a_trail(api, alice, schedule, full):
    answer = api.post(f"/schedules/{schedule.pk}/execute?force=true", {"reason": "the board waits"})
    assert answer.status_code == 200
    run = Run.objects.get(forced=True)
    assert answer.json() == {"run_id": str(run.pk), "forced": True}
    assert run.slot == "overflow #1"
    entry = LedgerEntry.objects.get(activity="manual_force_bypass")
    assert (entry.run_id, entry.user_id, entry.detail["reason"]) == (run.pk, alice.pk, "the board waits")
    assert "the board waits" in LogEntry.objects.get(user=alice).change_message


def test_force_is_bounded(api, schedule, full, monkeypatch):
    monkeypatch.setenv("SCHEDULE_MAX_OVERFLOW", "1")
    assert api.post(f"/schedules/{schedule.pk}/execute?force=true").status_code == 200
    assert refusal(api.post(f"/schedules/{schedule.pk}/execute?force=true")) == (429, "capacity_full")
    queued = api.post(f"/schedules/{schedule.pk}/execute?force=true&queue=true")
    assert (queued.status_code, queued.json()["forced"]) == (202, False)


def test_without_a_scheduler_it_is_503_unless_it_may_wait(api, schedule):
    Scheduler.objects.all().delete()
    assert refusal(api.post(f"/schedules/{schedule.pk}/execute")) == (503, "no_scheduler")
    assert not Run.objects.exists()
    assert api.post(f"/schedules/{schedule.pk}/execute?queue=true").status_code == 202
    assert Run.objects.get().status == RunStatus.QUEUED
    assert not Slot.objects.held().exists()


def test_a_paused_schedule_can_be_run_by_hand(api, schedule):
    pause(schedule.pk, now=clock.now())
    assert api.post(f"/schedules/{schedule.pk}/execute").status_code == 200


def test_a_double_click_is_one_run(api, schedule):
    first = api.post(f"/schedules/{schedule.pk}/execute", idempotency_key="click-1")
    second = api.post(f"/schedules/{schedule.pk}/execute", idempotency_key="click-1")
    assert (second.status_code, second.json()) == (200, first.json())
    assert second.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert Run.objects.count() == 1
    assert LogEntry.objects.count() == 1
    assert api.post(f"/schedules/{schedule.pk}/execute", idempotency_key="click-2").json() != first.json()


def test_a_key_belongs_to_one_request(api, schedule):
    path = f"/schedules/{schedule.pk}/execute"
    assert api.post(path, idempotency_key="same").json()["forced"] is False
    other = a_schedule(clock.now(), name="Other")
    for another in (f"{path}?force=true", f"/schedules/{other.pk}/execute"):
        assert refusal(api.post(another, idempotency_key="same")) == (422, "idempotency_key_reused")
    assert Run.objects.count() == 1


def test_a_key_that_was_refused_may_be_sent_again(api, schedule, full):
    path = f"/schedules/{schedule.pk}/execute"
    assert refusal(api.post(path, idempotency_key="click")) == (429, "capacity_full")
    cancelled = api.post(f"/runs/{full[0].pk}/cancel")
    assert cancelled.status_code == 202
    Slot.objects.filter(run=full[0]).update(run=None)
    assert api.post(path, idempotency_key="click").status_code == 200


def test_an_endless_key_is_refused(api, schedule):
    answer = api.post(f"/schedules/{schedule.pk}/execute", idempotency_key="k" * 201)
    assert refusal(answer) == (422, "validation_error")
    assert list(answer.json()["fields"]) == ["Idempotency-Key"]


def test_an_unknown_schedule_is_404_forced_or_not(api):
    for wish in ("", "?queue=true", "?force=true"):
        assert refusal(api.post(f"/schedules/{NOBODY}/execute{wish}")) == (404, "schedule_not_found")
