"""A conversation as a file to keep."""

import asyncio
import json

import pytest
from django.db import connections
from django.test import AsyncClient

from agents.protocol.events import ToolFinished, ToolStarted
from chat.conversations import export
from chat.models import Conversation
from chat.states import MessageStatus
from chat.transitions import Result, deliver
from stagent.lib.db.async_db import db_sync_to_async
from tests.support.builders import NOON
from tests.support.programs import Program, refusal
from tests.support.talking import begins, converses, ends, says, writes


def file_of(user, pk, kind="md"):
    answer = Program(user).get(f"/conversations/{pk}/export?format={kind}")
    assert answer.status_code == 200
    return answer, answer.getvalue().decode()


def test_markdown_says_who_said_what_when(bob):
    first = converses(bob, "What failed?", "**Nothing.**")
    answer, text = file_of(bob, first.conversation_id)
    assert answer["Content-Type"] == "text/markdown; charset=utf-8"
    assert text.startswith("# What failed?\n\n*2 messages, exported ")
    assert text.partition("*\n")[2] == (
        "\n## bob, 2026-11-24 12:00 UTC\n\nWhat failed?\n"
        "\n## Assistant, assistant, 2026-11-24 12:00 UTC\n\n**Nothing.**\n"
    )


def test_calls_of_tools_are_folded_into_a_line(bob):
    place = says(bob)
    held = begins(place.reply_id)
    arguments = {"status": "`failed`" + "x" * 500}
    writes(held, ToolStarted(1, "c", "list_runs", arguments), ToolStarted(1, "d", "report", {}))
    writes(held, ToolFinished("c", "list_runs", is_error=True, result="no", duration_ms=7), "Well.")
    ends(place.reply_id, held.token)
    _, text = file_of(bob, place.conversation_id)
    first, second = [line for line in text.splitlines() if line.startswith("> Called")]
    assert first.startswith('> Called `list_runs` with `{"status": "\'failed\'xx')
    assert first.endswith("…`: failed in 7 ms.  ")
    assert second == "> Called `report` with `{}`: no result.  "


def test_markdown_shows_one_branch_and_json_the_whole_tree(bob):
    first = converses(bob, "One")
    converses(bob, "Two", conversation_id=str(first.conversation_id), parent_id="root")
    _, text = file_of(bob, first.conversation_id)
    assert "Of 4 in all branches." in text
    assert "One" not in text.partition("\n\n")[2]
    answer, text = file_of(bob, first.conversation_id, "json")
    assert answer["Content-Type"] == "application/json"
    whole = json.loads(text)
    assert whole["conversation"]["id"] == str(first.conversation_id)
    assert [row["text"] for row in whole["messages"]] == ["One", "Nothing.", "Two", "Nothing."]
    assert whole["messages"][3] == Program(bob).get(f"/messages/{whole['messages'][3]['id']}").json()


def test_a_result_says_from_which_schedule_it_came(bob):
    message = deliver(
        Result("k", bob.pk, 7, "Nightly\nreport", "", card={"schedule_name": "Nightly"}), now=NOON
    )
    _, text = file_of(bob, message.conversation_id)
    assert "## From the schedule Nightly, 2026-11-24" in text
    assert "*The run finished without text.*" in text


def test_an_answer_that_was_stopped_says_so(bob):
    place = says(bob)
    held = begins(place.reply_id)
    ends(place.reply_id, held.token, status=MessageStatus.STOPPED)
    _, text = file_of(bob, place.conversation_id)
    assert text.endswith("*Stopped before any text.*\n")


def test_words_that_were_withdrawn_say_so(bob):
    place = says(bob)
    ends(place.reply_id, None, status=MessageStatus.STOPPED)
    _, text = file_of(bob, place.conversation_id)
    assert text.endswith("*Cancelled before it was answered.*\n")


def test_an_empty_conversation_is_a_file_too(bob):
    pk = Conversation.objects.create(owner=bob, created_at=NOON, active_at=NOON).pk
    assert file_of(bob, pk)[1].startswith("# New conversation\n\n*0 messages")
    assert json.loads(file_of(bob, pk, "json")[1])["messages"] == []


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ('../../etc/"passwd"\r\nX: y', "etcpasswd-x-y-7.md"),
        ("Straße – 東京", "straße-東京-7.md"),
        ("💥", "conversation-7.md"),
        ("a" * 200, f"{'a' * 60}-7.md"),
    ],
)
def test_file_names_are_taken_by_every_file_system(title, name):
    assert export.file_name(Conversation(pk=7, title=title), "md") == name


def test_the_name_of_the_file_comes_along(bob):
    answer, _ = file_of(bob, converses(bob, "Straße").conversation_id)
    assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''stra%C3%9Fe-")


def test_a_long_conversation_is_read_piece_by_piece(bob, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(export, "BATCH", 2)
    message = converses(bob, "0")
    for number in range(1, 4):
        message = converses(bob, str(number), conversation_id=str(message.conversation_id))
    conversation = Conversation.objects.select_related("owner").get()
    with django_assert_num_queries(1 + 4 * 2):
        pieces = list(export.markdown(conversation, NOON))
    assert len(pieces) == 1 + 8


@pytest.mark.django_db(transaction=True)
def test_a_server_of_events_streams_it_too(bob):
    pk = converses(bob).conversation_id

    async def fetch():
        client = AsyncClient()
        await client.aforce_login(bob)
        answer = await client.get(f"/api/conversations/{pk}/export")
        assert answer.is_async
        text = b"".join([piece async for piece in answer]).decode()
        await db_sync_to_async(connections.close_all)  # of the thread that goes with this loop
        return text

    assert asyncio.run(fetch()) == file_of(bob, pk)[1]


def test_another_kind_of_file_is_refused(bob):
    pk = converses(bob).conversation_id
    assert refusal(Program(bob).get(f"/conversations/{pk}/export?format=pdf")) == (422, "validation_error")
