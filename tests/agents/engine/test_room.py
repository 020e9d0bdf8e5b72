"""A conversation longer than the model's window: what is oldest is left out, and the agent goes on."""

import pytest

from agents.protocol.events import Notice
from agents.protocol.usage import count_chars, estimate_tokens
from agents.states import FailureReason
from tests.agents.conftest import finish, work
from tests.agents.provider import refuse, reply, say

pytestmark = pytest.mark.django_db
USE = {"type": "tool_use", "id": "toolu_0", "name": "echo", "input": {"say": "x"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_0", "content": "echo x"}


def earlier(*lengths: int) -> list[dict]:
    """Return exchanges of these lengths, each with a call of a tool."""
    return [
        message
        for number, length in enumerate(lengths)
        for message in (
            {"role": "user", "content": f"Question {number} " + "q" * length},
            {"role": "assistant", "content": [USE]},
            {"role": "user", "content": [RESULT]},
            {"role": "assistant", "content": f"Answer {number}."},
        )
    ]


def too_long():
    return refuse(400, "invalid_request_error", "prompt is too long: 250000 tokens > 200000 maximum")


def first_words(provider) -> str:
    return provider.last["messages"][0]["content"][0]["text"]


def test_what_the_provider_finds_too_long_is_asked_once_more_without_the_oldest(script, assign):
    provider = script(too_long(), say("Done."))
    events = work(assign(earlier_messages=earlier(9000, 500, 500)))
    assert events[-1].outcome == "completed"
    assert [len(request["messages"]) for request in provider.requests] == [13, 9]
    assert first_words(provider).startswith("Question 1 ")
    (left_out,) = (event for event in events if isinstance(event, Notice))
    assert left_out.code == "context_forgotten"
    assert "4 oldest messages" in left_out.text


def test_a_conversation_that_the_window_does_not_hold_is_not_even_asked(script, assign, settings):
    settings.STAGENT_CONTEXT_TOKENS = "2000"
    provider = script(say("Done."))
    assert finish(assign(earlier_messages=earlier(9000, 300, 300))).outcome == "completed"
    assert len(provider.requests) == 1
    assert first_words(provider).startswith("Question 1 ")


def test_the_prompt_and_the_work_on_it_are_never_left_out(script, assign):
    provider = script(too_long())
    finished = finish(assign("p" * 9000, earlier_messages=earlier(100)))
    assert finished.reason == FailureReason.CONTEXT_WINDOW_EXCEEDED
    assert [len(request["messages"]) for request in provider.requests] == [5, 1]


def test_an_answer_that_filled_the_window_is_not_said_twice_to_who_reads_along(script, assign):
    provider = script(reply([{"type": "text", "text": "Half"}], "model_context_window_exceeded"))
    finished = finish(assign(earlier_messages=earlier(9000, 500), interactive=True))
    assert (finished.reason, finished.text) == (FailureReason.CONTEXT_WINDOW_EXCEEDED, "Half")
    assert len(provider.requests) == 1


def test_a_script_with_thousands_of_signs_is_not_taken_for_short():
    assert estimate_tokens(count_chars("\u4f60" * 1000)) > 800
    assert estimate_tokens(count_chars("a" * 1000)) < 300
