"""What the SDK raises for each fault of a directive."""

import asyncio
import io
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic import Timeout

from agents.offline import directives
from tests.support.offline import (
    MODEL,
    ask,
    calls_of,
    client,
    converse,
    refused,
    text_of,
    user,
)

FILES = {"list_files": "notes.md (5 bytes)"}


def test_429_for_the_first_requests_with_retry_after():
    via = client()
    for _ in range(2):
        error = refused("[[offline: 429=2 retry_after=3]]", via)
        assert isinstance(error, anthropic.RateLimitError)
        assert (error.type, error.response.headers["retry-after"]) == ("rate_limit_error", "3")
    assert ask("[[offline: 429=2 retry_after=3]]", via=via).stop_reason == "end_turn"


def test_529_comes_after_the_429s():
    via = client()
    assert isinstance(refused("[[offline: 429=1 529=1]]", via), anthropic.RateLimitError)
    error = refused("[[offline: 429=1 529=1]]", via)
    assert isinstance(error, anthropic.OverloadedError)
    assert (error.type, error.status_code) == ("overloaded_error", 529)
    assert "retry-after" not in error.response.headers
    assert ask("[[offline: 429=1 529=1]]", via=via).stop_reason == "end_turn"


def test_each_conversation_has_its_own_count():
    via = client()
    refused("first [[offline: 429=1]]", via)
    refused("second [[offline: 429=1]]", via)
    refused("first [[offline: 429=1 run=b]]", via)
    assert ask("first [[offline: 429=1]]", via=via)


def test_the_same_prompt_later_in_a_conversation_counts_anew():
    via, text = client(), "[[offline: 429=1]]"
    refused(text, via)
    messages = [*user(text), {"role": "assistant", "content": "Done."}, *user(text)]
    with pytest.raises(anthropic.RateLimitError):
        ask(messages, via=via)


def test_a_bad_key():
    error = refused("[[offline: badkey]]")
    assert isinstance(error, anthropic.AuthenticationError)
    assert (error.status_code, error.type) == (401, "authentication_error")


def test_a_spend_stop_is_a_rate_limit_error_by_class_only():
    error = refused("[[offline: spend]]")
    assert isinstance(error, anthropic.RateLimitError)
    assert error.error_code == "enforced_spend_limit_reached"
    assert type(error).__name__ == "EnforcedSpendLimitReachedError"


@pytest.mark.parametrize("status", directives.STATUSES)
def test_any_status_with_its_type(status: int):
    error = refused(f"[[offline: fail={status}]]")
    assert error.status_code == status
    assert error.type


def test_a_hang_ends_with_the_read_timeout():
    with pytest.raises(anthropic.APITimeoutError):
        ask("[[offline: hang]]", timeout=Timeout(5, read=0.02))


def test_a_hang_ends_at_once_when_cancelled():
    async def cancel_early() -> None:
        async with asyncio.timeout(0.02):
            async with client().messages.stream(
                model=MODEL, max_tokens=9, messages=user("[[offline: hang]]")
            ):
                pass

    with pytest.raises(TimeoutError):
        asyncio.run(cancel_early())


def test_a_cut_stream_raises_nothing_and_has_no_stop_reason():
    message = ask("[[offline: tokens=50 cut=20]]")
    assert message.stop_reason is None
    assert message.usage.output_tokens == 1
    assert len(text_of(message).split()) == 20


def test_a_cut_after_the_last_token_still_loses_the_end():
    message = ask("[[offline: tokens=5 cut=20]]")
    assert message.stop_reason is None
    assert len(text_of(message).split()) == 5


def test_a_dropped_connection_is_a_bare_protocol_error():
    with pytest.raises(httpx2.RemoteProtocolError):
        ask("[[offline: tokens=50 drop=20]]")


def test_without_streaming_it_is_a_connection_error():
    with pytest.raises(anthropic.APIConnectionError):
        asyncio.run(client().messages.create(model=MODEL, max_tokens=9, messages=user("[[offline: drop=2]]")))


def test_a_stalled_stream_is_a_bare_read_timeout():
    with pytest.raises(httpx2.ReadTimeout):
        ask("[[offline: tokens=50 stall=3]]", timeout=Timeout(5, read=0.02))


def test_the_text_before_a_stall_is_received():
    received = io.StringIO()

    async def read() -> None:
        request: Any = {"model": MODEL, "max_tokens": 99, "messages": user("[[offline: tokens=50 stall=3]]")}
        async with client(timeout=Timeout(5, read=0.02)).messages.stream(**request) as opened:
            async for text in opened.text_stream:
                received.write(text)

    with pytest.raises(httpx2.ReadTimeout):
        asyncio.run(read())
    assert received.getvalue() == "Stagent's offline model,"


@pytest.mark.parametrize("kind", directives.STREAM_ERRORS)
def test_an_error_event_is_a_bare_status_error_with_status_200(kind: str):
    error = refused(f"[[offline: tokens=9 stream_error={kind} after=3]]")
    assert type(error) is anthropic.APIStatusError
    assert (error.status_code, error.type) == (200, f"{kind}_error")


def test_a_refusal_has_details():
    message = ask("[[offline: refusal]]")
    assert message.stop_reason == "refusal"
    assert message.stop_details is not None
    assert message.stop_details.explanation
    assert message.content == []


def test_an_empty_answer_ends_its_turn():
    message = ask("[[offline: empty]]")
    assert (message.stop_reason, message.content) == ("end_turn", [])
    assert message.usage.output_tokens == 1


@pytest.mark.parametrize("reason", directives.STOP_REASONS)
def test_any_stop_reason_for_the_answer(reason: str):
    conversation = converse(f"[[offline: turns=3 stop={reason}]]", FILES)
    assert [reply.stop_reason for reply in conversation.replies] == ["tool_use", "tool_use", reason]


def test_a_tool_call_can_be_cut_at_a_turn():
    message = ask("[[offline: turns=3 tool=read_file stop=max_tokens at=1]]", tools=[READ_FILE])
    assert message.stop_reason == "max_tokens"
    assert "path" not in calls_of(message)[0].input


READ_FILE = {
    "name": "read_file",
    "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
}


def test_a_pause_continues_from_the_same_prompt():
    via, text = client(), "[[offline: stop=pause_turn at=1]]"
    paused = ask(text, via=via)
    assert paused.stop_reason == "pause_turn"
    messages = [*user(text), {"role": "assistant", "content": paused.to_param()["content"]}]
    assert ask(messages, via=via).stop_reason == "end_turn"


def test_a_fault_at_one_turn_only():
    text = "[[offline: turns=4 refusal at=3]]"
    conversation = converse(text, FILES)
    assert [reply.stop_reason for reply in conversation.replies] == ["tool_use", "tool_use", "refusal"]


def test_a_fault_for_the_first_requests_only():
    via, text = client(), "[[offline: tokens=9 cut=3 times=2]]"
    assert [ask(text, via=via).stop_reason for _ in range(3)] == [None, None, "end_turn"]


def test_faults_are_counted_after_the_refused_requests():
    via, text = client(), "[[offline: 429=1 empty times=1]]"
    refused(text, via)
    assert ask(text, via=via).content == []
    assert ask(text, via=via).content != []
