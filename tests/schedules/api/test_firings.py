"""Firings over HTTP: filtered, and as a sheet."""

import csv
import io
from datetime import timedelta

import pytest

from schedules.models import Firing
from schedules.states import Outcome
from stagent.lib import clock
from tests.support.builders import NOON, a_queued_run, a_schedule
from tests.support.programs import Program, refusal

METRICS = """
nominal_at fired_at slot_claimed_at completed_at slot_wait_ms deferral_ms duration_ms turn_count
max_turns_at_firing input_tokens output_tokens cost_usd event_loop_lag_ms peak_rss_mb chat_streams_active
concurrent_runs failure_reason
"""


@pytest.fixture
def api(alice):
    return Program(alice)


@pytest.fixture
def schedule(db):
    return a_schedule(NOON, name="=HYPERLINK(1)")


def a_firing(schedule, minutes=0, outcome=Outcome.FIRED, **columns) -> Firing:
    at = NOON + timedelta(minutes=minutes)
    return Firing.objects.create(
        schedule=schedule,
        schedule_name=schedule.name,
        kind="scheduled",
        nominal_at=at,
        due_at=at,
        outcome=outcome,
        **columns,
    )


def test_a_firing_shows_what_was_decided_and_how_it_went(api, schedule):
    firing = a_firing(
        schedule,
        slot_wait_ms=12,
        turn_count=9,
        cost_usd="0.25",
        event_loop_lag_ms=1.5,
        max_turns_at_firing=50,
    )
    run = a_queued_run(schedule, NOON, firing=firing)
    shown = api.get(f"/firings/{firing.pk}").json()
    assert shown.keys() >= set(METRICS.split()) | {"id", "schedule_id", "run_id", "kind", "outcome", "reason"}
    assert (shown["schedule_id"], shown["run_id"]) == (str(schedule.pk), str(run.pk))
    assert (shown["slot_wait_ms"], shown["turn_count"], shown["cost_usd"]) == (12, 9, 0.25)
    assert (shown["nominal_at"], shown["failure_reason"]) == ("2026-11-24T12:00:00Z", None)
    assert api.get(f"/runs/{run.pk}").json()["firing_id"] == shown["id"]


def test_what_did_not_run_says_why(api, schedule):
    a_firing(schedule, outcome=Outcome.SKIPPED_OVERLAP, reason="Run 3 is still running.")
    shown = api.get(f"/schedules/{schedule.pk}/firings").json()["items"][0]
    assert (shown["outcome"], shown["reason"], shown["run_id"]) == (
        "skipped_overlap",
        "Run 3 is still running.",
        None,
    )


def test_firings_are_filtered_the_latest_first(api, schedule):
    first, second = a_firing(schedule, 0), a_firing(schedule, 5, Outcome.COALESCED)
    other = a_firing(a_schedule(NOON, name="Other"), 10, failure_reason="timeout")
    assert [row["id"] for row in api.get("/firings").json()["items"]] == [
        str(one.pk) for one in (other, second, first)
    ]
    expected = {
        "outcome=coalesced": second,
        f"schedule_id={schedule.pk}&outcome=fired": first,
        "failure_reason=timeout": other,
        "since=2026-11-24T12:10:00Z": other,
        "until=2026-11-24T13:01:00%2B01:00": first,
        "limit=1&offset=1": second,
    }
    for wanted, firing in expected.items():
        assert [row["id"] for row in api.get(f"/firings?{wanted}").json()["items"]] == [str(firing.pk)], (
            wanted
        )
    assert api.get(f"/schedules/{schedule.pk}/firings").json()["count"] == 2


def test_firings_of_a_run_are_found(api, schedule):
    firing = a_firing(schedule)
    run = a_queued_run(schedule, NOON, firing=firing)
    a_firing(schedule, 5)
    assert [row["id"] for row in api.get(f"/firings?run_id={run.pk}").json()["items"]] == [str(firing.pk)]
    assert [row["id"] for row in api.get(f"/runs?firing_id={firing.pk}").json()["items"]] == [str(run.pk)]
    assert api.get("/runs?firing_id=x").json()["count"] == 0


@pytest.mark.parametrize("how", ["format", "accept"])
def test_firings_come_as_a_sheet(api, schedule, how):
    for minute in range(3):
        a_firing(schedule, minute, reason="It said: a, b\nc")
    answer = api.get("/firings?format=csv") if how == "format" else api.get("/firings", accept="text/csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "firings.csv" in answer.headers["content-disposition"]
    assert answer.headers["x-total-count"] == "3"
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert rows[0].keys() >= set(METRICS.split())
    assert [row["nominal_at"] for row in rows] == [f"2026-11-24T12:0{minute}:00Z" for minute in (2, 1, 0)]
    assert (rows[0]["reason"], rows[0]["turn_count"]) == ("It said: a, b\nc", "")
    assert rows[0]["schedule_name"] == "'=HYPERLINK(1)"  # no spreadsheet runs it


def test_a_sheet_holds_all_that_fit_unless_a_stretch_is_asked_for(api, schedule):
    Firing.objects.bulk_create(
        Firing(
            schedule=schedule, schedule_name="S", kind="scheduled", nominal_at=at, due_at=at, outcome="fired"
        )
        for at in (NOON + timedelta(minutes=minute) for minute in range(600))
    )
    assert len(api.get("/firings?format=csv").getvalue().splitlines()) == 601
    stretch = api.get("/firings?format=csv&limit=10&offset=595")
    assert (len(stretch.getvalue().splitlines()), stretch.headers["x-total-count"]) == (6, "600")


def test_a_browser_and_a_plain_client_get_json(api, schedule):
    for accept in ("*/*", "application/json, text/csv;q=0.5", "text/html,application/xhtml+xml,*/*;q=0.8"):
        assert api.get("/firings", accept=accept).json() == {"items": [], "count": 0, "next": None}, accept


@pytest.mark.parametrize("opaque", ["999", "abc"])
def test_an_unknown_firing_is_not_found(api, opaque):
    assert refusal(api.get(f"/firings/{opaque}")) == (404, "firing_not_found")


def test_firings_outlive_their_schedule(api):
    schedule = a_schedule(clock.now())
    firing = a_firing(schedule)
    api.delete(f"/schedules/{schedule.pk}")
    shown = api.get(f"/firings/{firing.pk}").json()
    assert (shown["schedule_id"], shown["schedule_name"]) == (None, "Nightly report")
