"""The state of the install at one moment, over HTTP."""

from datetime import datetime, timedelta

import pytest

from agents import live_streams
from schedules.models import Pool, Setting
from schedules.states import Source
from stagent.lib import clock
from tests.support.builders import a_queued_run, a_running_run, a_schedule, a_scheduler
from tests.support.programs import Program


@pytest.fixture
def api(alice):
    return Program(alice)


def test_a_fresh_install_has_its_slots_and_no_scheduler(api):
    shown = api.get("/status").json()
    places = [(slot["pool"], slot["number"], slot["run_id"]) for slot in shown["slots"]]
    assert places == [("default", 1, None), ("default", 2, None)]
    assert (shown["queue"], shown["queue_count"], shown["live_streams"]) == ([], 0, [])
    assert shown["scheduler"] == {"alive": False, "executing": False, "seen_at": None, "processes": []}
    assert (shown["max_concurrent"], shown["running"]) == (2, 0)


def test_without_a_scheduler_no_start_is_expected(api):
    now = clock.now()
    a_queued_run(a_schedule(now), now, source=Source.MANUAL)
    assert [run["expected_start_at"] for run in api.get("/status").json()["queue"]] == [None]
    a_scheduler(now)
    assert all(run["expected_start_at"] for run in api.get("/status").json()["queue"])


def test_it_shows_who_holds_which_slot_and_who_waits_for_what(api):
    now = clock.now()
    a_scheduler(now)
    running, _ = a_running_run(a_schedule(now, name="First"), now, holder="scheduler@here:1:abc")
    late = a_queued_run(a_schedule(now, name="Scheduled"), now)
    soon = a_queued_run(a_schedule(now, name="By hand"), now, source=Source.MANUAL)
    live_streams.begin("message:42", "web@here", 60, now)
    shown = api.get("/status").json()
    slot = shown["slots"][0]
    assert (slot["run_id"], slot["schedule_name"], slot["holder"]) == (
        str(running.pk),
        "First",
        "scheduler@here:1:abc",
    )
    assert slot["lease_expires_at"]
    waits = [(run["id"], run["wait_reason"]) for run in shown["queue"]]
    assert waits == [(str(soon.pk), "slot"), (str(late.pk), "chat")]
    starts = [run["expected_start_at"] for run in shown["queue"]]
    assert abs(datetime.fromisoformat(starts[0]) - now) < timedelta(seconds=2)  # a slot is free
    assert starts[1] is None  # nobody knows how long the chat takes
    assert [stream["key"] for stream in shown["live_streams"]] == ["message:42"]


def test_overflow_and_pools_are_shown_where_they_count(api):
    now = clock.now()
    pool = Pool.objects.create(name="heavy", size=1)
    a_running_run(a_schedule(now, pool=pool), now)
    for number in range(2):
        a_running_run(a_schedule(now, name=f"Forced {number}"), now, forced=True)
    places = [
        (slot["pool"], slot["number"], bool(slot["run_id"])) for slot in api.get("/status").json()["slots"]
    ]
    assert places == [("default", 1, True), ("default", 2, True), ("heavy", 1, True), ("overflow", 1, True)]


def test_a_scheduler_that_fell_silent_is_not_alive(api):
    now = clock.now()
    a_scheduler(now - timedelta(minutes=5))
    shown = api.get("/status").json()["scheduler"]
    assert (shown["alive"], shown["processes"]) == (False, [])
    assert shown["seen_at"]
    a_scheduler(now, executes=False)
    shown = api.get("/status").json()["scheduler"]
    assert (shown["alive"], shown["executing"], len(shown["processes"])) == (True, False, 1)


def test_settings_say_what_is_in_force_and_where_it_comes_from(api, monkeypatch):
    Setting.objects.create(key="SCHEDULE_MAX_CONCURRENT", value="5")
    monkeypatch.setenv("SCHEDULE_LEASE_TTL_SEC", "abc")
    body = api.get("/settings").json()
    shown = {row["key"]: row for row in body["items"]}
    assert body["count"] == len(shown) == 9
    window = api.get("/settings?offset=1&limit=2").json()
    assert (window["items"], window["count"]) == (body["items"][1:3], 9)
    assert (shown["SCHEDULE_MAX_CONCURRENT"]["value"], shown["SCHEDULE_MAX_CONCURRENT"]["source"]) == (
        5,
        "admin",
    )
    assert (shown["SCHEDULE_LEASE_TTL_SEC"]["value"], shown["SCHEDULE_LEASE_TTL_SEC"]["source"]) == (
        60,
        "default",
    )
    assert "abc" in shown["SCHEDULE_LEASE_TTL_SEC"]["ignored"]
