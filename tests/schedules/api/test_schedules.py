"""Schedules over HTTP: made, read, changed, paused, deleted."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.models import Project
from schedules.models import Firing, Pool, Run, Schedule
from schedules.models.run import UNADOPTED
from schedules.models.spending import spender
from schedules.states import RunStatus
from stagent.lib import clock
from tests.support.builders import a_profile, a_queued_run, a_running_run, a_schedule
from tests.support.programs import Program, refusal

A_SCHEDULE = {"name": "Morning report", "prompt": "Report.", "profile": "tester", "cron": "0 9 * * 1-5"}
KEPT_BY_THE_SYSTEM = """
id description warnings paused_reason next_fire_at next_nominal_at deferred_until firing_count
suppression_count failure_streak turn_budget_breach_streak last_failure_reason last_turn_count
avg_turns_per_firing avg_duration_ms avg_duration max_turns_set_at
"""
GIVEN = {
    "name": "Watch",
    "key": "watch",
    "prompt": "Look.",
    "profile": "tester",
    "kind": "heartbeat",
    "cron": "*/10 * * * *",
    "timezone": "Asia/Kathmandu",
    "starts_at": "2026-01-01T00:00:00Z",
    "ends_at": "2099-01-01T00:00:00Z",
    "max_firings": 100,
    "active_from": "08:00:00",
    "active_until": "18:00:00",
    "priority": 3,
    "pool": "heavy",
    "overlap_policy": "queue_one",
    "misfire_policy": "skip",
    "misfire_grace_sec": 300,
    "jitter_sec": 20,
    "max_retries": 1,
    "max_turns": 40,
    "max_run_duration_sec": 600,
    "max_cost_usd": 1.25,
    "deliver_to_chat": False,
    "webhook_url": "https://example.org/hook",
    "email": "ops@example.org",
}


@pytest.fixture
def api(alice):
    a_profile()
    return Program(alice)


def test_a_schedule_is_made_with_everything_that_was_said(api):
    project = Project.objects.create(slug="p", name="P")
    Pool.objects.create(name="heavy", size=1)
    answer = api.post("/schedules", GIVEN | {"project": str(project.pk)})
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == {"schedule", "warnings"}
    shown = body["schedule"]
    assert GIVEN.items() <= shown.items()
    assert shown["project"] == str(project.pk)
    assert shown.keys() >= set(KEPT_BY_THE_SYSTEM.split())
    assert answer.headers["location"] == f"/api/schedules/{shown['id']}"
    assert api.get(f"/schedules/{shown['id']}").json() == shown


def test_what_is_not_said_has_its_default(api, settings):
    a_profile("assistant")
    shown = api.post("/schedules", {"name": "A", "prompt": "P", "interval": "90m"}).json()["schedule"]
    assert (shown["profile"], shown["pool"], shown["timezone"]) == (
        "assistant",
        "default",
        settings.TIME_ZONE,
    )
    assert (shown["status"], shown["overlap_policy"], shown["max_turns"]) == ("active", "skip", None)
    assert shown["deliver_to_chat"] is True
    assert (shown["cron"], shown["interval"], shown["every_sec"]) == (None, "90m", 5400)
    assert (shown["description"], shown["owner"]) == ("Every 90 minutes", "alice")
    assert shown["next_fire_at"].endswith("Z")


def test_it_can_be_made_paused_and_then_fires_nothing(api):
    shown = api.post("/schedules", A_SCHEDULE | {"status": "paused"}).json()["schedule"]
    assert (shown["status"], shown["next_fire_at"]) == ("paused", None)


def test_a_one_shot_says_its_moment(api):
    moment = (clock.now() + timedelta(days=1)).replace(microsecond=0)
    asked = {name: value for name, value in A_SCHEDULE.items() if name != "cron"}
    shown = api.post("/schedules", asked | {"at": moment.isoformat(), "timezone": "UTC"}).json()["schedule"]
    assert datetime.fromisoformat(shown["at"]) == datetime.fromisoformat(shown["next_fire_at"]) == moment
    assert shown["description"] == f"Once, on {moment.astimezone(UTC):%A, %Y-%m-%d at %H:%M}"


def test_only_the_given_fields_change(api):
    schedule = a_schedule(clock.now(), max_turns=50, email="ops@example.org")
    answer = api.patch(f"/schedules/{schedule.pk}", {"name": "Renamed", "priority": -3})
    assert answer.status_code == 200
    shown = answer.json()["schedule"]
    assert (shown["name"], shown["priority"]) == ("Renamed", -3)
    assert (shown["max_turns"], shown["email"], shown["interval"]) == (50, "ops@example.org", "every 5m")


def test_null_goes_back_to_what_is_inherited(api, settings):
    schedule = a_schedule(clock.now(), max_turns=50, email="a@example.org", timezone="Asia/Tokyo")
    api.patch(f"/schedules/{schedule.pk}", {"max_turns": None, "email": None, "timezone": None})
    shown = api.get(f"/schedules/{schedule.pk}").json()
    assert (shown["max_turns"], shown["max_turns_set_at"], shown["email"]) == (None, None, None)
    assert shown["timezone"] == settings.TIME_ZONE


def test_setting_max_turns_notes_when(api):
    schedule = a_schedule(clock.now())
    shown = api.patch(f"/schedules/{schedule.pk}", {"max_turns": 9}).json()["schedule"]
    assert clock.now() - datetime.fromisoformat(shown["max_turns_set_at"]) < timedelta(minutes=1)


def test_a_new_time_moves_the_next_firing_and_never_backwards(api):
    schedule = a_schedule(clock.now())
    shown = api.patch(f"/schedules/{schedule.pk}", {"cron": "0 0 1 1 *", "timezone": "UTC"}).json()[
        "schedule"
    ]
    assert (shown["cron"], shown["interval"]) == ("0 0 1 1 *", None)
    assert datetime.fromisoformat(shown["next_fire_at"]) > clock.now()
    assert shown["next_fire_at"][5:10] == "01-01"


@pytest.mark.parametrize("when", [{"interval": "every 5m"}, {"cron": "0 9 * * *"}, {"interval": "90m"}])
def test_a_schedule_sent_back_as_it_was_read_means_no_change(api, when):
    schedule = a_schedule(clock.now(), **when)
    before = api.get(f"/schedules/{schedule.pk}").json()
    echo = {
        name: before[name]
        for name in ("cron", "interval", "at", "timezone", "name", "status", "pool", "project")
    }
    after = api.patch(f"/schedules/{schedule.pk}", echo | {"priority": 1}).json()["schedule"]
    assert {**after, "priority": 0, "updated_at": before["updated_at"]} == before


def test_who_changes_what_anothers_schedule_does_becomes_its_owner(api, alice, bob):
    schedule = a_schedule(clock.now(), owner=bob, prompt="Report.")
    same = api.patch(f"/schedules/{schedule.pk}", {"prompt": "Report.", "cron": "0 7 * * *", "max_turns": 9})
    assert same.json()["schedule"]["owner"] == "bob"
    before = a_queued_run(schedule)
    project = Project.objects.create(slug="p", name="P")
    other = api.patch(f"/schedules/{schedule.pk}", {"project": str(project.pk)})
    assert other.json()["schedule"]["owner"] == "alice"
    assert "Its agents now act for this user." in LogEntry.objects.latest("pk").change_message
    schedule.refresh_from_db()
    names = [spender(Run.objects.get(pk=run.pk)).user_id for run in (before, a_queued_run(schedule))]
    assert names == [bob.pk, alice.pk]


def test_a_changed_time_may_come_with_the_old_words_beside_it(api):
    schedule = a_schedule(clock.now(), interval="every 5m")
    shown = api.patch(f"/schedules/{schedule.pk}", {"cron": "0 7 * * *", "interval": "every 5m"}).json()
    assert (shown["schedule"]["cron"], shown["schedule"]["interval"]) == ("0 7 * * *", None)


def test_status_can_be_changed_with_the_rest(api):
    schedule = a_schedule(clock.now())
    paused = api.patch(f"/schedules/{schedule.pk}", {"status": "paused", "priority": 2}).json()["schedule"]
    assert (paused["status"], paused["priority"], paused["paused_reason"]) == (
        "paused",
        2,
        "Paused by alice through the API.",
    )
    active = api.patch(f"/schedules/{schedule.pk}", {"status": "active"}).json()["schedule"]
    assert active["status"] == "active"
    assert active["next_fire_at"]


def test_a_schedule_completes_only_by_itself(api):
    schedule = a_schedule(clock.now())
    refused = api.patch(f"/schedules/{schedule.pk}", {"status": "completed", "priority": 2})
    assert refusal(refused) == (422, "validation_error")
    assert "ends_at" in refused.json()["fields"]["status"]
    assert Schedule.objects.get().priority == 0


def test_pausing_and_resuming_twice_is_doing_it_once(api):
    schedule = a_schedule(clock.now())
    for _ in range(2):
        answer = api.post(f"/schedules/{schedule.pk}/pause", {"reason": "Holidays"})
        assert (answer.status_code, answer.json()["status"]) == (200, "paused")
        assert (answer.json()["paused_reason"], answer.json()["next_fire_at"]) == ("Holidays", None)
    for _ in range(2):
        answer = api.post(f"/schedules/{schedule.pk}/resume")
        assert (answer.status_code, answer.json()["status"]) == (200, "active")
    assert [entry.change_message for entry in LogEntry.objects.order_by("pk")] == [
        "Paused. Holidays Through the API.",
        "Resumed. Through the API.",
    ]


@pytest.mark.parametrize("arrow", ["pause", "resume"])
def test_what_is_over_is_neither_paused_nor_resumed(api, arrow):
    schedule = a_schedule(clock.now())
    Schedule.objects.update(status="completed", next_fire_at=None, next_nominal_at=None)
    assert refusal(api.post(f"/schedules/{schedule.pk}/{arrow}")) == (409, "schedule_completed")


def test_deleting_withdraws_what_waits_stops_what_runs_and_keeps_the_history(api):
    now = clock.now()
    schedule = a_schedule(now)
    firing = Firing.objects.create(
        schedule=schedule,
        schedule_name=schedule.name,
        kind="scheduled",
        nominal_at=now,
        due_at=now,
        outcome="fired",
    )
    queued, (running, _) = a_queued_run(schedule, now, firing=firing), a_running_run(schedule, now)
    assert api.delete(f"/schedules/{schedule.pk}").status_code == 204
    assert not Schedule.objects.exists()
    queued.refresh_from_db()
    running.refresh_from_db()
    assert (queued.status, queued.cancel_reason) == (RunStatus.CANCELLED, "Its schedule was deleted.")
    assert (running.status, running.schedule_id) == (RunStatus.RUNNING, None)
    assert running.cancel_requested_at is not None
    assert Firing.objects.get().schedule_name == schedule.name
    assert refusal(api.delete(f"/schedules/{schedule.pk}")) == (404, "schedule_not_found")


def test_lists_say_how_many_there_are_and_give_a_stretch(api):
    for name in "EDCBA":
        a_schedule(clock.now(), name=name)
    body = api.get("/schedules?limit=2&offset=1").json()
    assert (body["count"], [row["name"] for row in body["items"]]) == (5, ["B", "C"])
    assert api.get("/schedules?offset=99").json() == {"items": [], "count": 5, "next": None}
    assert api.get("/schedules?limit=0").json() == {"items": [], "count": 5, "next": None}


def test_lists_are_filtered_by_the_fields_they_show(api):
    project = Project.objects.create(slug="p", name="P")
    mine = a_schedule(
        clock.now(), name="Night watch", kind="heartbeat", project=project, profile=a_profile("other")
    )
    a_schedule(clock.now(), name="Day report")
    filters = [
        "kind=heartbeat",
        f"project={project.pk}",
        "profile=other",
        "search=NIGHT",
        "search=watch&status=active",
    ]
    for wanted in filters:
        assert [row["id"] for row in api.get(f"/schedules?{wanted}").json()["items"]] == [str(mine.pk)], (
            wanted
        )
    for nobody in ("status=paused", "project=999", "project=none", "profile=x", "search=%25"):
        assert api.get(f"/schedules?{nobody}").json()["count"] == 0, nobody
    assert api.get("/schedules?status=&kind=").json()["count"] == 2


def test_a_longer_list_needs_no_more_queries(api):
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert api.get("/schedules").status_code == 200
        return len(seen)

    a_schedule(clock.now(), name="One")
    queries()
    few = queries()
    for number in range(10):
        a_schedule(clock.now(), name=f"More {number}", profile=a_profile(f"p{number}"))
    assert queries() == few


def test_everything_changed_is_in_the_admin_log(api, alice):
    made = api.post("/schedules", A_SCHEDULE).json()["schedule"]
    api.patch(f"/schedules/{made['id']}", {"max_turns": 9, "cron": "0 7 * * *"})
    api.delete(f"/schedules/{made['id']}")
    assert [
        (entry.action_flag, entry.change_message)
        for entry in LogEntry.objects.filter(user=alice).order_by("pk")
    ] == [
        (1, "Added. Through the API."),
        (2, "Changed cron, max_turns. Through the API."),
        (3, "Deleted. Through the API."),
    ]


@pytest.mark.parametrize("opaque", ["999", "abc", "-1", "1.0", "٣", "9" * 30, "%00", "1%20"])
def test_an_id_that_is_unknown_or_none_is_not_found(api, opaque):
    a_schedule(clock.now())
    for path in ("", "/next", "/firings"):
        assert refusal(api.get(f"/schedules/{opaque}{path}")) == (404, "schedule_not_found")
    for path in ("/pause", "/resume", "/execute"):
        assert refusal(api.post(f"/schedules/{opaque}{path}")) == (404, "schedule_not_found")
    assert refusal(api.patch(f"/schedules/{opaque}", {})) == (404, "schedule_not_found")
    assert refusal(api.delete(f"/schedules/{opaque}")) == (404, "schedule_not_found")


def test_the_advice_of_the_last_runs_stands_with_the_schedule(api):
    schedule = a_schedule(clock.now(), max_turns=10)
    Schedule.objects.update(turn_budget_breach_streak=2, avg_turns_per_firing=40)
    shown = api.get(f"/schedules/{schedule.pk}").json()
    (advice,) = shown["warnings"]
    assert (advice["type"], "need 40 agent steps" in advice["message"]) == ("advice", True)
    assert Run.objects.filter(holder=UNADOPTED).count() == 0
