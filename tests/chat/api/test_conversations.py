"""A person's conversations over HTTP."""

from datetime import timedelta

import pytest

from chat.models import Conversation
from tests.support.builders import NOON, a_profile
from tests.support.programs import Program, refusal
from tests.support.talking import asks, begins, converses, ends, says


@pytest.fixture
def program(bob):
    return Program(bob)


def test_a_conversation_is_begun_and_listed(program, bob):
    a_profile("reporter")
    asked = {"title": "  Release   notes ", "profile": "reporter", "model": "claude-opus-5-5"}
    made = program.post("/conversations", asked)
    assert made.status_code == 201
    row = made.json()
    assert made["Location"] == f"/api/conversations/{row['id']}"
    assert (row["title"], row["profile"], row["model"]) == ("Release notes", "reporter", "claude-opus-5-5")
    assert (row["unread"], row["live"], row["pinned"]) == (False, False, False)
    assert program.get("/conversations").json() == {"items": [row], "count": 1, "next": None}
    assert program.get(f"/conversations/{row['id']}").json() == row


def test_a_list_says_what_is_unread_and_what_is_live(program, bob):
    answered = converses(bob, "First")
    waiting = says(bob, "Second")
    rows = {row["id"]: row for row in program.get("/conversations").json()["items"]}
    first, second = rows[str(answered.conversation_id)], rows[str(waiting.conversation_id)]
    assert (second["unread"], second["live"]) == (False, True)
    assert not first["live"]
    assert first["head_id"] == str(answered.pk)
    assert "html" not in first


def test_a_list_says_where_a_person_is_asked(program, bob):
    says(bob, "First")
    reply_id = says(bob, "Second").reply_id
    claimed = begins(reply_id)
    asks(claimed)
    assert [row["asks"] for row in program.get("/conversations").json()["items"]] == [True, False]
    ends(reply_id, claimed.token)
    assert [row["asks"] for row in program.get("/conversations").json()["items"]] == [False, False]


def test_pinned_conversations_come_first_then_the_latest(program, bob):
    said = [converses(bob, f"n {n}", now=NOON + timedelta(minutes=n)).conversation_id for n in range(3)]
    program.patch(f"/conversations/{said[0]}", {"pinned": True})
    listed = [row["id"] for row in program.get("/conversations?limit=2").json()["items"]]
    assert listed == [str(said[0]), str(said[2])]


def test_a_conversation_is_put_away_and_comes_back_when_something_is_said(program, bob):
    pk = converses(bob).conversation_id
    assert program.patch(f"/conversations/{pk}", {"archived": True}).json()["archived_at"]
    assert program.get("/conversations").json()["count"] == 0
    assert program.get("/conversations?archived=true").json()["count"] == 1
    says(bob, "Again", conversation_id=str(pk))
    assert program.get("/conversations").json()["items"][0]["archived_at"] is None


def test_reading_is_noted_once_and_can_be_undone(program, bob):
    place = says(bob)
    Conversation.objects.update(answered_at=NOON + timedelta(hours=1), read_at=NOON)
    path = f"/conversations/{place.conversation_id}"
    assert program.get(path).json()["unread"]
    assert not program.patch(path, {"read": True}).json()["unread"]
    assert program.patch(path, {"read": False}).json()["unread"]


def test_every_page_hears_of_a_change_and_of_nothing_that_changes_nothing(program, bob):
    path = f"/conversations/{converses(bob).conversation_id}"
    before = bob.feed.transcript.last_seq
    program.patch(path, {"title": "Failures", "pinned": True})
    program.patch(path, {"title": "Failures", "pinned": True})
    bob.feed.transcript.refresh_from_db()
    assert bob.feed.transcript.last_seq == before + 1


def test_a_title_by_hand_is_stored(program, bob):
    pk = converses(bob).conversation_id
    program.patch(f"/conversations/{pk}", {"title": "Mine"})
    says(bob, "Something else", conversation_id=str(pk))
    assert Conversation.objects.get(pk=pk).title == "Mine"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": "  "}, "title"),
        ({"title": None}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"profile": "nobody"}, "profile"),
        ({"pinned": None}, "pinned"),
        ({"owner": "7"}, "owner"),
    ],
)
def test_a_wrong_change_names_its_field_and_changes_nothing(program, bob, changes, field):
    path = f"/conversations/{converses(bob).conversation_id}"
    before = program.get(path).json()
    answer = program.patch(path, {"pinned": True} | changes)
    assert refusal(answer) == (422, "validation_error")
    assert field in answer.json()["fields"]
    assert program.get(path).json() == before


def test_what_is_thrown_away_is_gone_and_stops_and_can_be_restored(program, bob):
    place = says(bob)
    path = f"/conversations/{place.conversation_id}"
    assert program.delete(path).status_code == 204
    assert refusal(program.get(path)) == (404, "conversation_not_found")
    assert refusal(program.delete(path)) == (404, "conversation_not_found")
    assert refusal(program.get(f"/messages/{place.reply_id}")) == (404, "message_not_found")
    assert program.get("/conversations").json()["count"] == 0
    restored = program.post(f"{path}/restore")
    assert restored.status_code == 200
    assert not restored.json()["live"]
    assert program.post(f"{path}/restore").json() == restored.json()
    assert program.get(f"/messages/{place.reply_id}").json()["status"] == "stopped"


def test_a_schedule_that_began_another_conversation_stays_with_it(program, bob):
    old = Conversation.objects.create(owner=bob, schedule_id=7, created_at=NOON, active_at=NOON)
    program.delete(f"/conversations/{old.pk}")
    new = Conversation.objects.create(owner=bob, schedule_id=7, created_at=NOON, active_at=NOON)
    assert program.post(f"/conversations/{old.pk}/restore").json()["schedule_id"] is None
    assert program.get(f"/conversations/{new.pk}").json()["schedule_id"] == "7"


@pytest.mark.parametrize(
    "path", ["/conversations?serach=x", "/conversations?limit=501", "/conversations?search=%00"]
)
def test_a_mistyped_filter_is_refused(program, path):
    assert refusal(program.get(path)) == (422, "validation_error")
