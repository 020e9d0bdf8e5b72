"""Whatever a history holds, what is sent is what the Messages API takes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.offline.validation import BadRequest, check_messages
from agents.protocol.reply import INTERRUPTED
from agents.runtimes.anthropic.valid_messages import to_valid_messages
from stagent.lib.text import to_storable

texts = st.text(alphabet=st.sampled_from("a 🐙\n\t\0\ud83d"), max_size=3)
ids = st.sampled_from(["toolu_1", "toolu_2", "call:3", "call_3", "", "ü"])
signed = st.sampled_from(["sig", "", None])
blocks = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, texts),
    st.builds(lambda text: {"type": "text", "text": text, "citations": None}, texts),
    st.builds(lambda text, sig: {"type": "thinking", "thinking": text, "signature": sig}, texts, signed),
    st.just({"type": "redacted_thinking", "data": "x"}),
    st.builds(
        lambda ident, name, given: {"type": "tool_use", "id": ident, "name": name, "input": given},
        ids,
        st.sampled_from(["echo", "a b", "", "x" * 200]),
        st.one_of(st.just({}), texts, st.just([1]), st.none(), st.builds(lambda t: {t: t}, texts)),
    ),
    st.builds(
        lambda ident, content, error: {
            "type": "tool_result", "tool_use_id": ident, "content": content, "is_error": error,
        },
        ids,
        st.one_of(texts, st.lists(st.builds(lambda t: {"type": "text", "text": t}, texts), max_size=2)),
        st.booleans(),
    ),
)  # fmt: skip
messages = st.builds(
    lambda role, content: {"role": role, "content": content},
    st.sampled_from(["user", "assistant"]),
    st.one_of(texts, st.lists(blocks, max_size=5)),
)
histories = st.lists(messages, max_size=8)


@given(history=histories)
def test_any_history_becomes_one_that_the_api_takes(history):
    sent = to_valid_messages(history)
    check_messages(sent)
    json.dumps(sent, ensure_ascii=False).encode()
    roles = [message["role"] for message in sent]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"] * (len(roles) % 2)


@given(history=histories)
def test_what_is_valid_stays_as_it_is(history):
    once = to_valid_messages(history)
    assert to_valid_messages(once) == once


def words(message: dict[str, Any]) -> list[str]:
    content = message["content"]
    content = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [block["text"] for block in content if block["type"] == "text" and block["text"].strip()]


@given(history=histories)
def test_no_word_is_lost(history):
    said = [to_storable(text) for message in history for text in words(message)]
    sent = [text for message in to_valid_messages(history) for text in words(message)]
    assert [text for text in sent if not text.startswith("(")] == said


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


def assistant(*content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(content)}


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def call(ident: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": ident, "name": "echo", "input": {}}


def result(ident: str, said: str) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": ident, "content": said}


def test_blank_blocks_are_left_out_and_a_reply_of_nothing_goes_with_them():
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "sig"}
    history = [
        user(text("One")),
        assistant(text(""), thought, text("  "), text("Only this."), text("")),
        user(text("Two")),
        assistant(text(" "), thought),
        user(text("Three")),
    ]
    assert to_valid_messages(history) == [
        user(text("One")),
        assistant(thought, text("Only this.")),
        user(text("Two"), text("Three")),
    ]


def test_calls_of_one_id_get_ids_of_their_own_and_keep_their_results():
    history = [
        user(text("Go")),
        assistant(call("call_1"), call("call_1")),
        user(result("call_1", "a"), result("call_1", "b")),
        assistant(call("call_1")),
        user(text("note"), result("call_1", "c")),
    ]
    assert to_valid_messages(history) == [
        user(text("Go")),
        assistant(call("call_1"), call("call_1_2")),
        user(result("call_1", "a"), result("call_1_2", "b")),
        assistant(call("call_1_3")),
        user(result("call_1_3", "c"), text("note")),
    ]


def test_a_call_without_a_result_is_told_to_have_been_interrupted():
    history = [user(text("Go")), assistant(call("a"), call("b")), user(result("b", "x"), text("Well?"))]
    sent = to_valid_messages(history)[-1]["content"]
    assert [(block["type"], block.get("tool_use_id")) for block in sent] == [
        ("tool_result", "b"),
        ("tool_result", "a"),
        ("text", None),
    ]
    assert sent[1]["content"] == INTERRUPTED
    assert to_valid_messages([user(text("Go")), assistant(call("a"))])[-1]["role"] == "user"


def test_a_conversation_begins_with_the_user():
    assert [each["role"] for each in to_valid_messages([assistant(text("Hi"))])] == ["user", "assistant"]
    assert len(to_valid_messages([])) == 1


@pytest.mark.parametrize(
    ("history", "said"),
    [
        ([user(text(" "))], "non-whitespace"),
        ([user(text("a")), assistant()], "non-empty"),
        ([user(text("a")), assistant(call("x"), call("x"))], "unique"),
        ([user(text("a")), assistant(call("x")), user(text("b"), result("x", ""))], "must come first"),
        ([user(text("a")), assistant(call("x:1"))], "pattern"),
        ([user(text("a"), call("x"))], "role"),
        (
            [user(text("a")), assistant({"type": "thinking", "thinking": "x", "signature": "s"})],
            "final block",
        ),
        ([user(text("a")), assistant({"type": "thinking", "thinking": "x"}, text("b"))], "signature"),
        ([user(text("a")), assistant(call("x")), user(result("x", "") | {"is_error": True})], "is_error"),
    ],
)
def test_the_offline_model_refuses_what_the_api_would(history, said):
    with pytest.raises(BadRequest, match=said):
        check_messages(history)
