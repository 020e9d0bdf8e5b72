"""Messages over HTTP: said once, shown with all that belongs to them, tailed, stopped, asked for again."""

from datetime import timedelta
from decimal import Decimal

import pytest

from agents.protocol.events import ToolFinished, ToolStarted
from chat.models import Message
from stagent.lib import clock
from tests.support.builders import NOON, a_profile
from tests.support.programs import Program, refusal
from tests.support.talking import begins, converses, ends, says, writes


@pytest.fixture
def program(bob):
    return Program(bob)


@pytest.fixture
def path(program):
    return f"/conversations/{program.post('/conversations', {}).json()['id']}"


def test_what_is_said_is_stored_with_the_place_of_its_reply(program, path):
    answer = program.post(f"{path}/messages", {"text": "What failed?", "client_msg_id": "a"})
    assert answer.status_code == 202
    body = answer.json()
    assert (body["message"]["role"], body["message"]["status"]) == ("user", "complete")
    assert (body["reply"]["role"], body["reply"]["status"]) == ("assistant", "pending")
    assert body["reply"]["parent_id"] == body["message"]["id"]
    assert body["duplicate"] is False
    assert program.get(path).json()["title"] == "What failed?"


def test_the_same_words_sent_twice_get_the_first_answer(program, path):
    said = {"text": "Hi", "client_msg_id": "k"}
    first = program.post(f"{path}/messages", said).json()
    assert (first["message_id"], first["reply_id"]) == (first["message"]["id"], first["reply"]["id"])
    assert (first["client_msg_id"], first["conversation_id"]) == ("k", first["reply"]["conversation_id"])
    again = program.post(f"{path}/messages", said).json()
    assert again.pop("duplicate")
    assert again == {name: first[name] for name in again}
    assert Message.objects.count() == 2


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"text": "   "}, "text"),
        ({"text": "x" * 200_001}, "text"),
        ({"text": "x\0"}, "text"),
        ({}, "text"),
        ({"text": "x", "profile": "nobody"}, "profile"),
        ({"text": "x", "client_msg_id": ""}, "client_msg_id"),
        ({"text": "x", "colour": "red"}, "colour"),
    ],
)
def test_wrong_words_name_their_field(program, path, said, field):
    answer = program.post(f"{path}/messages", said)
    assert refusal(answer) == (422, "validation_error")
    assert field in answer.json()["fields"]
    assert not Message.objects.exists()


def test_a_long_key_is_refused(program, path):
    answer = program.post(f"{path}/messages", {"text": "x"}, Idempotency_Key="k" * 201)
    assert "Idempotency-Key" in answer.json()["fields"]


def test_a_parent_that_is_elsewhere_is_no_parent(program, path, bob):
    other = converses(bob)
    answer = program.post(f"{path}/messages", {"text": "x", "parent_id": str(other.pk)})
    assert refusal(answer) == (404, "message_not_found")


def test_a_reply_shows_its_html_its_tools_and_its_times(program, bob):
    place = says(bob)
    held = begins(place.reply_id)
    began = ToolStarted(1, "c1", "list_runs", {"status": "failed"})
    ended = ToolFinished("c1", "list_runs", is_error=False, result="[]", duration_ms=7)
    writes(held, began, ended, "**None** failed.", ToolStarted(2, "c2", "report", {}))
    ends(place.reply_id, held.token, NOON + timedelta(seconds=2))
    row = program.get(f"/messages/{place.reply_id}").json()
    assert row["html"] == "<p><strong>None</strong> failed.</p>\n"
    assert row["tools"] == [
        {"call_id": "c1", "name": "list_runs", "arguments": {"status": "failed"}, "result": "[]",
         "is_error": False, "duration_ms": 7, "allowed": None},
        {"call_id": "c2", "name": "report", "arguments": {}, "result": None, "is_error": None,
         "duration_ms": None, "allowed": None},
    ]  # fmt: skip
    assert (row["first_token_ms"], row["total_ms"], row["cost_usd"]) == (640, 2000, 0.0)
    assert row["finished_at"] == "2026-11-24T12:00:02Z"


def test_a_persons_words_and_an_unfinished_reply_have_no_html(program, bob):
    place = says(bob, "**x**")
    writes(begins(place.reply_id, clock.now()), "half")
    rows = program.get(f"/conversations/{place.conversation_id}/messages").json()["items"]
    assert [row["html"] for row in rows] == [None, None]
    assert [row["status"] for row in rows] == ["complete", "streaming"]
    assert rows[1]["last_seq"] == 2


def test_a_log_is_tailed_like_on_the_socket(program, bob):
    place = says(bob)
    held = begins(place.reply_id, clock.now())
    writes(held, "One ", "two")
    path = f"/messages/{place.reply_id}/events"
    page = program.get(path).json()
    assert [frame["type"] for frame in page["items"]] == ["started", "delta", "delta"]
    assert [frame["seq"] for frame in page["items"]] == [1, 2, 3]
    assert (page["count"], page["finished"]) == (3, False)
    ends(place.reply_id, held.token, clock.now())
    rest = program.get(f"{path}?after=3").json()
    assert [frame["type"] for frame in rest["items"]] == ["final"]
    assert rest["finished"]
    assert rest["items"][0]["length"] == len("One two")
    stretch = program.get(f"{path}?after=1&limit=1").json()
    assert ([frame["text"] for frame in stretch["items"]], stretch["count"]) == (["One "], 3)
    assert program.get(f"/messages/{place.message_id}/events").json() == {
        "items": [], "count": 0, "finished": True,
    }  # fmt: skip


def test_a_reply_that_streams_shows_its_text_so_far(program, bob):
    place = says(bob)
    writes(begins(place.reply_id, clock.now()), "One ", "two")
    row = program.get(f"/messages/{place.reply_id}").json()
    assert (row["status"], row["text"], row["last_seq"]) == ("streaming", "One two", 3)


def test_a_reply_whose_worker_is_gone_is_settled_when_it_is_looked_at(program, bob):
    place = says(bob)
    writes(begins(place.reply_id, clock.now() - timedelta(hours=1)), "Half a")
    row = program.get(f"/messages/{place.reply_id}").json()
    assert (row["status"], row["reason"], row["text"]) == ("interrupted", "reconciled", "Half a")
    assert row["notice"]


def test_a_reply_that_waits_is_stopped_at_once(program, bob):
    place = says(bob)
    answer = program.post(f"/messages/{place.reply_id}/stop")
    assert answer.status_code == 202
    assert (answer.json()["status"], answer.json()["reason"]) == ("stopped", "client_stop")
    assert program.post(f"/messages/{place.reply_id}/stop").json() == answer.json()
    assert refusal(program.post(f"/messages/{place.message_id}/stop")) == (422, "validation_error")


def test_another_answer_is_placed_beside_the_first_one(program, bob):
    first = converses(bob)
    answer = program.post(f"/messages/{first.pk}/retry")
    assert answer.status_code == 202
    again = answer.json()["reply"]
    assert again["siblings"] == [str(first.pk), again["id"]]
    assert refusal(program.post(f"/messages/{again['id']}/retry")) == (409, "still_answering")


def test_an_edit_is_a_branch_and_the_branch_that_is_shown_can_be_switched(program, bob):
    first = converses(bob, "One")
    second = converses(bob, "Two", conversation_id=str(first.conversation_id))
    path = f"/conversations/{first.conversation_id}"
    edited = program.post(f"{path}/messages", {"text": "Two, please", "parent_id": str(first.pk)}).json()
    shown = program.get(f"{path}/messages").json()
    assert [row["text"] for row in shown["items"]] == ["One", "Nothing.", "Two, please", ""]
    assert shown["items"][2]["siblings"] == [str(second.parent_id), edited["message"]["id"]]
    everything = program.get(f"{path}/messages?branch=all").json()
    assert everything["count"] == 6
    assert program.patch(path, {"head_id": str(second.parent_id)}).json()["head_id"] == str(second.pk)
    assert [row["text"] for row in program.get(f"{path}/messages").json()["items"]][2] == "Two"
    assert program.get(f"{path}/messages?limit=1&offset=2").json()["items"][0]["text"] == "Two"
    assert refusal(program.patch(path, {"head_id": "999"})) == (404, "message_not_found")


def test_what_a_reply_used_is_shown(program, bob):
    message = converses(bob)
    Message.objects.filter(pk=message.pk).update(input_tokens=10, output_tokens=5, cost_usd=Decimal("0.25"))
    row = program.get(f"/messages/{message.pk}").json()
    assert (row["input_tokens"], row["output_tokens"], row["cost_usd"]) == (10, 5, 0.25)


def test_the_profile_that_was_picked_answers(program, path):
    a_profile("operator")
    reply = program.post(f"{path}/messages", {"text": "x", "profile": "operator", "model": "m"}).json()[
        "reply"
    ]
    assert (reply["profile"], reply["model"]) == ("operator", "m")
