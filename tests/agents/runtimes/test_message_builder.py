"""A reply, built from events: strict about what is asked for, forgiving about how it is put."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.protocol.reply import Reply
from agents.protocol.usage import Usage
from agents.runtimes.anthropic.event_stream import ServerSentEvent
from agents.runtimes.anthropic.message_builder import MessageBuilder
from agents.runtimes.anthropic.protocol_errors import GarbledStream, NoMessagesApi, ProviderError
from agents.runtimes.base import Delta

START = {"type": "message_start", "message": {"model": "m", "content": [], "usage": {"input_tokens": 7}}}
END = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}}
STOP = {"type": "message_stop"}


def opens(index: int = 0, kind: str = "text", **more: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": {"type": kind} | more}


def adds(index: int = 0, kind: str = "text_delta", **more: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind} | more}


def closes(index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def built(*events: dict[str, Any]) -> tuple[list[Delta], Reply]:
    builder = MessageBuilder("asked-for", "host")
    said = [d for each in events for d in builder.add_event(ServerSentEvent("", json.dumps(each)))]
    reply = builder.so_far()
    assert reply is not None
    return [delta for delta in said if delta.text], reply


def called(*parts: str, ends: bool = True) -> Any:
    """Return the input of a call whose arguments come in these parts."""
    written = [adds(kind="input_json_delta", partial_json=part) for part in parts]
    call = opens(kind="tool_use", id="toolu_1", name="echo", input={})
    _, reply = built(START, call, *written, *([closes()] if ends else []), END)
    return reply.content[0]["input"]


def test_words_and_thoughts_come_as_they_are_and_a_signature_stays():
    said, reply = built(
        START,
        opens(0, "thinking", thinking="", signature=""),
        adds(0, "thinking_delta", thinking="Hm."),
        adds(0, "signature_delta", signature="sig"),
        closes(0),
        opens(1, text=""),
        adds(1, text="Yes"),
        adds(1, text="."),
        closes(1),
        END,
        STOP,
    )
    assert said == [Delta("Hm.", thinking=True), Delta("Yes"), Delta(".")]
    assert reply.content == [
        {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
        {"type": "text", "text": "Yes."},
    ]
    assert (reply.stop_reason, reply.usage, reply.estimated) == ("end_turn", Usage(7, 9), False)


def test_what_a_block_begins_with_is_said_too():
    said, reply = built(START, opens(text="Hello "), adds(text="there."), closes(), END)
    assert "".join(delta.text for delta in said) == reply.text == "Hello there."


def test_a_character_whose_halves_come_apart_is_shown_whole():
    said, reply = built(START, opens(text=""), adds(text="a\ud83d"), adds(text="\udc19b"), closes(), END)
    assert [delta.text for delta in said] == ["a", "🐙b"]
    assert reply.text == "a🐙b"


def test_half_a_character_is_shown_as_a_broken_one():
    said, reply = built(START, opens(text=""), adds(text="a\ud83d"), closes(), adds(text="b\udc19"), END)
    assert "".join(delta.text for delta in said) == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
    reply.text.encode()


@pytest.mark.parametrize(
    ("parts", "ends", "arguments"),
    [
        (('{"limit"', ": 5}"), True, {"limit": 5}),
        (('{"limit": 5}',), False, {"limit": 5}),
        ((), True, {}),
        (("",), True, {}),
        ((), False, ""),
        (('{"limit": 5, "na',), True, '{"limit": 5, "na'),
        (('{"limit": 5',), False, '{"limit": 5'),
        (('{"a": 1, "a": 2}',), True, '{"a": 1, "a": 2}'),
        (('{"a": NaN}',), True, '{"a": NaN}'),
        (('{"a": 1e999}',), True, '{"a": 1e999}'),
        (('{"a": 1} {"b": 2}',), True, '{"a": 1} {"b": 2}'),
        (("[1]",), True, [1]),
        (('{"a": ' + "[" * 100_000,), True, '{"a": ' + "[" * 100_000),
    ],
)
def test_arguments_are_those_that_were_written_or_text(parts, ends, arguments):
    assert called(*parts, ends=ends) == arguments


@given(
    arguments=st.dictionaries(
        st.text(max_size=5), st.integers() | st.text(max_size=9) | st.booleans(), min_size=1
    ),
    data=st.data(),
)
def test_arguments_that_are_cut_anywhere_are_never_an_object(arguments, data):
    text = json.dumps(arguments)
    cut = data.draw(st.integers(1, len(text) - 1))
    assert isinstance(called(text[:cut]), str)


def test_a_call_without_an_id_gets_one():
    _, reply = built(START, opens(kind="tool_use", name="echo", input={"a": 1}), closes(), END)
    assert reply.calls[0]["id"]
    assert reply.calls[0]["input"] == {"a": 1}


def test_kinds_that_nobody_knows_pass_by():
    odd = {"type": "content_block_delta", "index": 0, "delta": {"type": "of_tomorrow", "x": 1}}
    said, reply = built({"type": "ping"}, START, {"type": "new"}, opens(text=""), odd, adds(text="a"), END)
    assert (said, reply.text) == ([Delta("a")], "a")


def test_counts_add_up_to_the_last_that_was_told():
    late = END | {"usage": {"output_tokens": 9, "input_tokens": 70, "cache_read_input_tokens": None}}
    assert built(START, late)[1].usage == Usage(70, 9)
    uncounted = END | {"usage": None}
    _, reply = built(START, opens(text=""), adds(text="x" * 70), uncounted)
    assert (reply.usage.output, reply.estimated) == (20, True)


@pytest.mark.parametrize(
    "events",
    [
        [opens(text="")],
        [START, START],
        [START, opens(text=""), opens(text="")],
        [START, adds(text="a")],
        [START, opens(text=""), adds(3, text="a")],
        [START, closes()],
        [START, {"type": "content_block_start", "index": 0}],
        [END],
        [["a"]],
    ],
)
def test_a_stream_that_breaks_the_rules_is_garbled(events):
    with pytest.raises(GarbledStream):
        built(*events)


def test_an_error_in_the_stream_says_what_it_is():
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    with pytest.raises(ProviderError) as raised:
        built(START, error)
    assert (raised.value.type, raised.value.api_message) == ("overloaded_error", "Overloaded")


def test_an_error_without_a_type_is_one_too():
    with pytest.raises(ProviderError, match="context size") as raised:
        built(START, {"error": {"code": 500, "message": "context size exceeded"}})
    assert raised.value.status_code == 500


def test_a_stream_of_another_api_is_named():
    with pytest.raises(NoMessagesApi, match="chat completions"):
        built({"object": "chat.completion.chunk", "choices": []})


def test_a_reply_that_is_not_streamed_is_taken_whole():
    builder = MessageBuilder("asked-for", "host")
    content = [{"type": "text", "text": "Hi."}, {"type": "tool_use", "id": "a", "name": "b", "input": {}}]
    message = {"type": "message", "model": "m", "content": content, "stop_reason": "tool_use"}
    said = builder.add_message(message | {"usage": {"input_tokens": 1, "output_tokens": 2}})
    assert [delta for delta in said if delta.text] == [Delta("Hi.")]
    reply = builder.so_far()
    assert reply is not None
    assert (reply.content, reply.stop_reason, reply.usage) == (content, "tool_use", Usage(1, 2))
