"""The calls of a reply, each shown once, whatever ids its server gave them."""

import pytest

from agents.protocol.events import ToolFinished, ToolStarted
from chat.history.parts import parts_in
from chat.history.tool_calls import calls_of
from chat.models import Message
from tests.support.talking import begins, says, writes

pytestmark = pytest.mark.django_db


def called(turn: int, said: str) -> tuple[ToolStarted, ToolFinished]:
    start = ToolStarted(turn, "call_0", "echo", {"say": said})
    return start, ToolFinished("call_0", "echo", is_error=False, result=f"echo {said}", duration_ms=1)


def test_calls_of_one_id_in_two_turns_of_an_old_log_are_two(alice):
    claimed = begins(says(alice).reply_id)
    writes(claimed, *called(1, "a"), "Well. ", *called(2, "b"), *called(2, "b again"))
    reply = Message.objects.get(pk=claimed.message_id)
    calls = calls_of([reply])[claimed.transcript_id]
    assert [(call.call_id, call.arguments["say"], call.result) for call in calls] == [
        ("call_0", "a", "echo a"),
        ("call_0_2", "b again", "echo b again"),
    ]
    shown = [part.call_id for part in parts_in(claimed.transcript_id)]
    assert shown == ["call_0", None, "call_0_2"]
