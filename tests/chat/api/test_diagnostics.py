"""How the answers went, for operators; and who can answer, for everybody."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission

from agents import live_streams
from agents.models import Profile, StreamRecord
from stagent.lib import clock
from tests.support.builders import NOON, a_profile
from tests.support.programs import Program, refusal
from tests.support.talking import converses

PATH = "/diagnostics/chat-streams"


@pytest.fixture
def operator(bob):
    bob.user_permissions.add(Permission.objects.get(codename="view_streamrecord"))
    return Program(bob)


def a_stream(reason="completed", first_token_ms=100, minute=0):
    at = NOON + timedelta(minutes=minute)
    live_streams.record(
        f"message:{minute}", started_at=at, ended_at=at + timedelta(seconds=2), reason=reason,
        first_token_ms=first_token_ms, overhead_ms=10,
    )  # fmt: skip


def test_the_figures_are_those_of_the_streams(operator):
    for number in range(1, 101):
        a_stream(first_token_ms=number, minute=number)
    a_stream("timeout", None, 101)
    told = operator.get(f"{PATH}?limit=2").json()
    assert told["count"] == 101
    assert [row["reason"] for row in told["items"]] == ["timeout", "completed"]
    assert told["reasons"] == {"completed": 100, "timeout": 1}
    assert told["first_token_ms"] == {"count": 100, "p50": 50, "p95": 95, "p99": 99}
    assert told["total_ms"] == {"count": 101, "p50": 2000, "p95": 2000, "p99": 2000}


def test_the_streams_are_narrowed_by_reason_and_by_day(operator):
    a_stream()
    a_stream("client_stop", minute=60)
    assert operator.get(f"{PATH}?reason=client_stop").json()["reasons"] == {"client_stop": 1}
    early = operator.get(f"{PATH}?until=2026-11-24T12:30:00Z&since=2026-11-24T00:00:00Z").json()
    assert early["reasons"] == {"completed": 1}


def test_where_nobody_chatted_nothing_is_made_up(operator):
    nothing = {"count": 0, "p50": None, "p95": None, "p99": None}
    told = operator.get(PATH).json()
    assert (told["items"], told["first_token_ms"], told["live"]) == ([], nothing, [])


def test_who_is_being_answered_right_now_is_shown_without_a_word(operator, bob):
    converses(bob, "A secret")
    now = clock.now()
    live_streams.begin("message:9", "web:1", 30, now)
    live_streams.begin("message:8", "web:gone", 30, now - timedelta(minutes=1))
    answer = operator.get(PATH)
    assert [row["key"] for row in answer.json()["live"]] == ["message:9"]
    assert "secret" not in answer.content.decode()
    assert StreamRecord.objects.count() == answer.json()["count"] == 1


def test_only_staff_with_the_permission_sees_them(bob, charlie):
    assert refusal(Program(bob).get(PATH)) == (403, "permission_denied")
    charlie.user_permissions.add(Permission.objects.get(codename="view_streamrecord"))
    assert refusal(Program(charlie).get(PATH)) == (403, "permission_denied")


def test_everybody_is_told_who_can_answer(charlie, settings):
    settings.ANTHROPIC_API_KEY = "a key"
    a_profile("poet", model="claude-poem-1", description="Rhymes.")
    told = Program(charlie).get("/chat/profiles").json()
    assert told["count"] == Profile.objects.count()
    rows = {row["slug"]: row for row in told["items"]}
    assert rows["poet"] == {
        "slug": "poet", "name": "Poet", "description": "Rhymes.", "model": "claude-poem-1", "default": False,
    }  # fmt: skip
    assert rows["assistant"]["default"]


def test_models_are_those_that_are_known_by_name(charlie, settings):
    a_profile("poet", model="claude-poem-1")
    settings.STAGENT_DEFAULT_MODEL, settings.ANTHROPIC_API_KEY = "claude-haiku-5-5", "a key"
    told = Program(charlie).get("/chat/models").json()["items"]
    assert told[0] == {"id": "claude-haiku-5-5", "default": True}
    names = [row["id"] for row in told]
    assert {"claude-poem-1", "claude-opus-5-5"} < set(names)
    assert "claude-" not in names
    assert len(names) == len(set(names))


def test_offline_there_is_but_one_model_whatever_profiles_name(charlie):
    a_profile("poet", model="claude-poem-1")
    told = Program(charlie).get("/chat/models").json()["items"]
    assert told == [{"id": "offline model", "default": True}]
    rows = Program(charlie).get("/chat/profiles").json()["items"]
    assert {row["model"] for row in rows} == {None}


def test_another_server_has_other_models(charlie, settings):
    settings.ANTHROPIC_BASE_URL = "http://127.0.0.1:11434"
    settings.STAGENT_DEFAULT_MODEL = "llama"
    assert [row["id"] for row in Program(charlie).get("/chat/models").json()["items"]] == ["llama"]
