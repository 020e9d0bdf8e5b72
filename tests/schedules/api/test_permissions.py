"""Alice owns the install, Bob may see and run, Charlie may nothing: on every door of the API."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from schedules.models import Run, Schedule
from stagent.lib import clock
from tests.support.builders import a_queued_run, a_schedule, a_scheduler
from tests.support.programs import Program, refusal

NEW = {"name": "A", "prompt": "P", "profile": "tester", "cron": "0 9 * * *"}
DOORS = [
    ("get", "/schedules", None, "view_schedule"),
    ("post", "/schedules", NEW, "add_schedule"),
    ("post", "/schedules/preview", {"cron": "0 9 * * *"}, "view_schedule"),
    ("get", "/schedules/{schedule}", None, "view_schedule"),
    ("patch", "/schedules/{schedule}", {"priority": 1}, "change_schedule"),
    ("delete", "/schedules/{schedule}", None, "delete_schedule"),
    ("post", "/schedules/{schedule}/pause", None, "change_schedule"),
    ("post", "/schedules/{schedule}/resume", None, "change_schedule"),
    ("post", "/schedules/{schedule}/execute", None, "run_schedule"),
    ("get", "/schedules/{schedule}/next", None, "view_schedule"),
    ("get", "/schedules/{schedule}/firings", None, "view_firing"),
    ("get", "/firings", None, "view_firing"),
    ("get", "/firings?format=csv", None, "view_firing"),
    ("get", "/firings/1", None, "view_firing"),
    ("get", "/runs", None, "view_run"),
    ("get", "/runs/{run}", None, "view_run"),
    ("get", "/runs/{run}/events", None, "view_run"),
    ("post", "/runs/{run}/cancel", None, "change_run"),
    ("post", "/runs/{run}/retry", None, "run_schedule"),
    ("get", "/forecast", None, "view_schedule"),
    ("get", "/status", None, "view_slot"),
    ("get", "/settings", None, "view_setting"),
]


@pytest.fixture
def places(db):
    now = clock.now()
    a_scheduler(now)
    schedule = a_schedule(now)
    return {"schedule": schedule.pk, "run": a_queued_run(schedule, now).pk}


def knock(program, method, path, body, places):
    path = path.format(**places)
    return getattr(program, method)(path) if body is None else getattr(program, method)(path, body)


@pytest.mark.parametrize(("method", "path", "body", "permission"), DOORS)
def test_nobody_comes_in_without_a_token_or_a_session(places, method, path, body, permission):
    answer = knock(Program(None), method, path, body, places)
    assert refusal(answer) == (401, "not_authenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path", "body", "permission"), DOORS)
def test_charlie_may_nothing_and_nothing_changes(places, charlie, method, path, body, permission):
    before = list(Schedule.objects.values()), list(Run.objects.values())
    answer = knock(Program(charlie), method, path, body, places)
    assert refusal(answer) == (403, "permission_denied")
    assert f"schedules.{permission}" in answer.json()["message"]
    assert (list(Schedule.objects.values()), list(Run.objects.values())) == before
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(("method", "path", "body", "permission"), DOORS)
def test_the_one_permission_named_opens_the_door(places, charlie, method, path, body, permission):
    charlie.user_permissions.add(Permission.objects.get(codename=permission))
    answer = knock(Program(charlie), method, path, body, places)
    assert answer.status_code not in {401, 403}, answer.content


def test_bob_may_run_a_schedule_but_not_force_it(places, bob):
    program = Program(bob)
    assert program.post(f"/schedules/{places['schedule']}/execute").status_code == 200
    runs = Run.objects.count()
    refused = program.post(f"/schedules/{places['schedule']}/execute?force=true")
    assert refusal(refused) == (403, "permission_denied")
    assert "schedules.force_run" in refused.json()["message"]
    assert Run.objects.count() == runs


def test_bob_may_not_delete(places, bob):
    assert refusal(Program(bob).delete(f"/schedules/{places['schedule']}")) == (403, "permission_denied")
    assert Schedule.objects.count() == 1


def test_who_has_left_is_nobody(places, bob):
    program = Program(bob)
    bob.is_active = False
    bob.save()
    assert refusal(program.get("/schedules")) == (401, "not_authenticated")


def test_a_session_looks_freely_and_changes_with_its_csrf_token(places, alice):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    path = f"/api/schedules/{places['schedule']}"
    assert browser.get(path).status_code == 200
    assert refusal(browser.post(f"{path}/pause")) == (403, "csrf_failed")
    assert Schedule.objects.get().status == "active"
    browser.cookies["csrftoken"] = "a" * 32
    ours = {"x-csrftoken": "a" * 32}
    assert refusal(browser.post(f"{path}/pause", headers=ours)) == (415, "unsupported_media_type")  # a form
    assert browser.post(f"{path}/pause", content_type="application/json", headers=ours).status_code == 200
    assert LogEntry.objects.get().user == alice
