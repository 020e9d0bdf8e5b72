"""The coming hours over HTTP and for agents."""

import json
from datetime import datetime, timedelta

import pytest

from agents.tools import registry
from agents.tools.base import ToolContext, ToolError
from schedules.models import Schedule
from stagent.lib import clock
from tests.support.builders import a_schedule
from tests.support.programs import Program, refusal


@pytest.fixture
def api(alice):
    return Program(alice)


@pytest.fixture
def crowd(db):
    """Three schedules that come due every hour on the hour and take ten minutes each; two fit."""
    for name in "ABC":
        a_schedule(clock.now(), name=name, cron="0 * * * *")
    Schedule.objects.update(avg_duration_ms=600_000, avg_turns_per_firing=40)


def test_every_firing_has_its_predicted_start_and_wait(api, crowd):
    body = api.get("/forecast?hours=3").json()
    assert body["count"] == len(body["items"]) == 9
    assert (body["cap"], body["peak_concurrent"], body["peak_waiting"]) == (2, 2, 1)
    assert [row["wait_sec"] for row in body["items"][:3]] == [0, 0, 600]
    assert [row["schedule_name"] for row in body["items"][:3]] == ["A", "B", "C"]
    third = body["items"][2]
    due, start, end = (datetime.fromisoformat(third[name]) for name in ("due_at", "start_at", "end_at"))
    assert (start - due, end - start) == (timedelta(minutes=10), timedelta(minutes=10))
    assert (body["longest_wait_sec"], body["turns"]) == (600, 9 * 40)
    ends = [datetime.fromisoformat(body[name]) for name in ("from", "until")]
    assert ends[1] - ends[0] == timedelta(hours=3)
    assert sum(day["runs"] for day in body["days"]) == body["runs"] == 9


def test_another_cap_answers_what_if(api, crowd):
    body = api.get("/forecast?hours=3&cap=3&limit=1&offset=1").json()
    assert (body["cap"], body["peak_concurrent"], body["longest_wait_sec"]) == (3, 3, 0)
    assert (body["count"], [row["schedule_name"] for row in body["items"]]) == (9, ["B"])


def test_an_install_without_schedules_expects_nothing(api):
    body = api.get("/forecast").json()
    assert (body["items"], body["count"], body["peak_at"]) == ([], 0, None)


@pytest.mark.parametrize("wrong", ["hours=0", "hours=169", "cap=0", "cap=many", "limit=5001", "weeks=2"])
def test_a_wrong_question_is_refused(api, wrong):
    answer = api.get(f"/forecast?{wrong}")
    assert refusal(answer) == (422, "validation_error")
    assert list(answer.json()["fields"]) == [wrong.partition("=")[0]]


def test_an_agent_of_charlies_may_not_look_ahead(charlie):
    with pytest.raises(ToolError, match=r"schedules\.view_schedule"):
        registry.get("forecast").call(ToolContext(user_id=charlie.pk), {})


def test_an_agent_may_look_ahead_too(alice, crowd):
    told = json.loads(registry.get("forecast").call(ToolContext(user_id=alice.pk), {"hours": 2, "cap": 1}))
    assert (told["count"], told["cap"], told["items"][1]["wait_sec"]) == (6, 1, 600)
    assert "peak_waiting" in told


def test_moves_are_proposed_with_their_effect_and_nothing_is_moved(api, crowd):
    body = api.get("/forecast/stagger?hours=3").json()
    assert body["count"] == len(body["items"]) == 2
    first = body["items"][0]
    assert (first["schedule_name"], first["shift_min"]) == ("A", 5)
    assert (first["cron_before"], first["cron_after"], first["steps"]) == ("0 * * * *", "5 * * * *", 40)
    assert (body["peak_steps_before"], body["peak_steps_after"]) == (120, 40)
    assert body["longest_wait_sec_after"] < body["longest_wait_sec_before"] == 600
    assert set(Schedule.objects.values_list("cron", flat=True)) == {"0 * * * *"}
    assert len(api.get("/forecast/stagger?limit=1&offset=1").json()["items"]) == 1


def test_moves_are_not_proposed_to_strangers_nor_for_nonsense(charlie, api):
    assert refusal(Program(charlie).get("/forecast/stagger")) == (403, "permission_denied")
    assert refusal(api.get("/forecast/stagger?hours=0"))[0] == 422
    assert refusal(api.get("/forecast/stagger?nonsense=1"))[0] == 422
