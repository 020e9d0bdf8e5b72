"""Directives that script replies: many turns, unknown tools, long and slow answers."""

import asyncio

import httpx2
import pytest
from anthropic import Timeout

from tests.support.offline import (
    MODEL,
    Answers,
    Clock,
    ask,
    calls_of,
    converse,
    slow,
    text_of,
    tools,
    user,
)

FILES = {"list_files": "notes.md (5 bytes)"}
SCHEDULES: Answers = {"list_schedules": {"items": [], "count": 0}}


def test_turns_counts_replies_and_the_last_one_answers():
    conversation = converse("[[offline: turns=30]]", SCHEDULES)
    assert len(conversation.replies) == 30
    assert [reply.stop_reason for reply in conversation.replies] == ["tool_use"] * 29 + ["end_turn"]
    assert "Done: 30 turns" in conversation.answer


def test_every_turn_makes_a_different_call():
    conversation = converse("[[offline: turns=30]]", SCHEDULES)
    assert len({str(call) for call in conversation.calls}) == 29


def test_repeat_makes_the_same_call_every_time():
    conversation = converse("[[offline: repeat=6]]", SCHEDULES)
    assert len(conversation.replies) == 6
    assert len({str(call) for call in conversation.calls}) == 1


def test_one_turn_is_an_answer():
    assert len(converse("[[offline: turns=1]]", SCHEDULES).replies) == 1


def test_without_tools_there_is_only_the_answer():
    assert ask("[[offline: turns=9]]").stop_reason == "end_turn"


def test_the_harmless_tool_is_preferred_to_the_first():
    message = ask("[[offline: turns=2]]", tools=tools(["delete_everything", "list_files"]))
    assert [call.name for call in calls_of(message)] == ["list_files"]


def test_an_unknown_tool_is_called_by_its_schema():
    schema = {
        "type": "object",
        "properties": {
            "kind": {"type": "string", "enum": ["a", "b"]},
            "n": {"type": "integer", "minimum": 5, "maximum": 6},
            "on": {"type": "boolean"},
            "list": {"type": "array"},
            "spare": {"type": "string"},
        },
        "required": ["kind", "n", "on", "list"],
    }
    message = ask("[[offline: turns=2]]", tools=[{"name": "odd", "input_schema": schema}])
    assert calls_of(message)[0].input == {"kind": "b", "n": 6, "on": True, "list": []}


def test_several_tools_at_once():
    conversation = converse("[[offline: parallel=3 turns=3]]", SCHEDULES)
    assert [len(calls_of(reply)) for reply in conversation.replies] == [3, 3, 0]
    assert len({str(call) for call in conversation.calls}) == 6


def test_a_tool_by_name_is_called_even_if_it_does_not_exist():
    conversation = converse("[[offline: tool=format_disk]]", FILES)
    assert conversation.calls[0][0] == "format_disk"
    assert "failed: 1" in conversation.answer


def test_a_tool_error_is_survived_and_reported():
    conversation = converse("[[offline: tool_error turns=3]]", FILES)
    assert [name for name, _ in conversation.calls] == ["no_such_tool", "list_files", "list_files"]
    assert "There is no tool no_such_tool." in conversation.answer


def test_changed_is_reported():
    conversation = converse("[[offline: changed=no]]", {"report": "Noted."})
    assert conversation.calls == [("report", {"changed": False, "severity": "info", "body": ""})]


def test_it_answers_early_if_tools_cannot_be_called():
    first_part = converse("[[offline: turns=2]]", FILES)
    message = ask(first_part.messages[:-1], tools=tools(FILES), tool_choice={"type": "none"})
    assert message.stop_reason == "end_turn"


def test_tokens_gives_exactly_so_many():
    message = ask("[[offline: tokens=400]]")
    assert message.usage.output_tokens == 400
    words = text_of(message).split()
    assert len(words) == 400
    assert words[4:] == [str(number) for number in range(5, 401)]


def test_tokens_are_cut_at_max_tokens():
    message = ask("[[offline: tokens=400]]", max_tokens=100)
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 100)


def test_every_token_waits_its_delay_and_the_first_its_own():
    clock = Clock()
    ask("[[offline: tokens=5 delay=50ms first_token=2s]]", via=slow(clock))
    assert clock.slept == [2.05, 0.05, 0.05, 0.05, 0.05]


def test_without_streaming_the_total_wait_is_the_same():
    clock = Clock()
    asyncio.run(
        slow(clock).messages.create(
            model=MODEL, max_tokens=99, messages=user("[[offline: tokens=4 delay=1s]]")
        )
    )
    assert clock.slept == [4]


def test_a_delay_longer_than_the_read_timeout_is_a_read_timeout():
    with pytest.raises(httpx2.ReadTimeout):
        ask("[[offline: tokens=5 delay=1m]]", timeout=Timeout(5, read=0.02))
