"""The loop: ask, call tools, ask again, answer."""

import json
from decimal import Decimal

import pytest

from agents.models import LedgerEntry
from agents.protocol.events import (
    Finished,
    ReplyStarted,
    TextDelta,
    ThinkingDelta,
    ToolFinished,
    TurnFinished,
    TurnStarted,
)
from agents.states import FailureReason
from agents.transcripts import transcript
from tests.agents.conftest import MakeAssignment, Script, finish, work
from tests.agents.provider import reply, say, want

pytestmark = pytest.mark.django_db


def test_an_answer_ends_the_run(script: Script, assign: MakeAssignment):
    script(say("All is well."))
    events = work(assign())
    rest = [type(event) for event in events if not isinstance(event, TextDelta)]
    assert rest == [TurnStarted, ReplyStarted, TurnFinished, Finished]
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "All is well."
    assert events[-1] == Finished("completed", text="All is well.")


def test_a_tool_is_called_and_its_result_comes_back_in_the_next_message(script, assign, echo_calls):
    provider = script(want(("echo", {"say": "a"}), ("echo", {"say": "b"}), text="Let me see."), say("Done."))
    events = work(assign())
    assert echo_calls == [{"say": "a"}, {"say": "b"}]
    assert [event.result for event in events if isinstance(event, ToolFinished)] == ["echo a", "echo b"]
    assert [block["content"] for block in provider.last["messages"][-1]["content"]] == ["echo a", "echo b"]
    assert provider.last["messages"][-2]["role"] == "assistant"
    assert events[-1].text == "Done."


def test_a_reply_is_kept_and_paid_before_its_tools_are_called(script, assign, echo_calls):
    script(want(("echo", {"say": "a"})), say("Done."))
    kinds = [event.kind for event in work(assign())]
    assert kinds.index("turn_finished") < kinds.index("tool_started")
    assert LedgerEntry.objects.count() == 2


def test_what_is_shown_is_what_is_written(script, assign, echo_calls):
    script(want(("echo", {"say": "a"}), text="One two three"), say("Four five."))
    assignment = assign()
    events = work(assignment)
    rows = transcript.read(assignment.transcript_id)
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    assert [(row.kind, row.data) for row in rows] == [
        (e.kind, json.loads(json.dumps(e.data()))) for e in events
    ]


def test_thinking_is_told_apart_and_returned_untouched_with_its_signature(script, assign, echo_calls):
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    use = {"type": "tool_use", "id": "toolu_1", "name": "echo", "input": {"say": "x"}}
    provider = script(reply([thought, use], "tool_use"), say("Done."))
    events = work(assign())
    assert [event.text for event in events if isinstance(event, ThinkingDelta)] == ["Hm."]
    assert provider.last["messages"][1]["content"] == [thought, use]


def test_the_last_count_of_the_provider_is_the_one_that_is_paid(script, assign):
    counted = {
        "input_tokens": 1000,
        "output_tokens": 2000,
        "cache_read_input_tokens": 300,
        "cache_creation_input_tokens": 40,
    }
    script(say("Long.", usage=counted))
    turn = next(event for event in work(assign()) if isinstance(event, TurnFinished))
    entry = LedgerEntry.objects.get()
    assert (entry.input_tokens, entry.output_tokens) == (1000, 2000)
    assert (entry.cache_read_tokens, entry.cache_write_tokens) == (300, 40)
    assert entry.cost_usd == turn.cost_usd == Decimal("0.04426")  # 4, 20, 0.2 and 5 USD per million
    assert (entry.run_id, entry.schedule_id, entry.provider, entry.estimated) == (7, 3, "anthropic", False)


def test_a_failing_tool_is_told_to_the_model_and_the_run_goes_on(script, assign, echo_calls):
    provider = script(want(("fail", {})), say("It is broken."))
    assert finish(assign()).outcome == "completed"
    result = provider.last["messages"][-1]["content"][0]
    assert result["is_error"] is True
    assert result["content"] == "It is broken."


def test_a_tool_that_the_profile_does_not_offer_is_refused(script, assign, echo_calls):
    provider = script(want(("shell", {"command": "ls"})), say("I cannot."))
    finish(assign())
    assert "There is no tool 'shell'. Available:" in provider.last["messages"][-1]["content"][0]["content"]


def test_tools_come_in_one_order_with_the_prompt_first_and_the_clock_last(script, assign, echo_calls):
    provider = script(say("Hello."))
    work(assign("Say hello.", clock="It is 09:00.", extra_system="This is a check."))
    request = provider.last
    assert [tool["name"] for tool in request["tools"]] == ["echo", "fail", "report"]
    assert request["system"][0]["text"] == "Be good.\n\nThis is a check."
    words, clock = request["messages"][0]["content"]
    assert words["text"] == "Say hello."
    assert words["cache_control"] == {"type": "ephemeral"}
    assert clock == {"type": "text", "text": "<stagent-clock>It is 09:00.</stagent-clock>"}


def test_earlier_messages_come_before_the_prompt(script, assign):
    provider = script(say("Yes."))
    context = [{"role": "user", "content": "Is it on?"}, {"role": "assistant", "content": "Let me look."}]
    work(assign("Well?", earlier_messages=context))
    assert [message["role"] for message in provider.last["messages"]] == ["user", "assistant", "user"]


def test_a_report_is_handed_over_with_the_answer(script, assign, echo_calls):
    verdict = {"changed": True, "severity": "warning", "body": "Disk is full."}
    script(want(("report", verdict)), say("I reported it."))
    assert finish(assign()).report == verdict


def test_silence_after_a_report_is_an_end_and_not_a_fault(script, assign, echo_calls):
    script(want(("report", {"changed": False})), say(""))
    finished = finish(assign())
    assert (finished.outcome, finished.text) == ("completed", "Nothing to report.")
    assert finished.report == {"changed": False, "severity": "info", "body": ""}


def test_a_run_is_never_blank_an_empty_reply_is_asked_for_again(script, assign):
    provider = script(say(""), say("There."))
    assert finish(assign()).text == "There."
    assert "Your last reply was empty" in provider.last["messages"][-1]["content"][-1]["text"]


def test_two_empty_replies_fail_the_run(script, assign):
    script(say(""))
    finished = finish(assign())
    assert (finished.outcome, finished.reason) == ("failed", FailureReason.SDK_ERROR)
    assert "empty" in finished.detail


def test_two_empty_replies_after_words_end_with_those_words(script, assign, echo_calls):
    script(want(("echo", {"say": "a"}), text="The answer is 42."), say(""), say(""))
    assert finish(assign()) == Finished("completed", text="The answer is 42.")


def test_the_same_call_with_the_same_result_is_warned_about_then_stopped(script, assign, echo_calls):
    provider = script(want(("echo", {"say": "again"})))
    finished = finish(assign(max_turns=50))
    assert finished.reason == FailureReason.TURN_LIMIT_EXCEEDED
    assert "repeat_loop" in finished.detail
    assert len(provider.requests) == 5
    assert "3 times in a row" in provider.requests[3]["messages"][-1]["content"][-1]["text"]


def test_a_pause_is_resumed_without_a_word_and_counts_as_a_turn(script, assign):
    provider = script(say("First half, ", "pause_turn"), say("second half."))
    finished = finish(assign())
    assert finished.text == "First half,second half."
    assert [message["role"] for message in provider.last["messages"]] == ["user", "assistant"]


def test_a_model_that_only_pauses_is_stopped(script, assign):
    provider = script(say("Wait.", "pause_turn"))
    assert finish(assign()).reason == FailureReason.SDK_ERROR
    assert len(provider.requests) == 6


def test_a_reply_cut_at_its_length_limit_is_asked_for_twice_as_long(script, assign):
    provider = script(say("Long st", "max_tokens"), say("Long story."))
    assert finish(assign(max_output_tokens=500)).text == "Long story."
    assert [request["max_tokens"] for request in provider.requests] == [500, 1000]
    assert provider.requests[0]["messages"] == provider.requests[1]["messages"]


def test_a_reply_too_long_twice_ends_truncated_with_its_text(script, assign):
    script(say("Long st", "max_tokens"))
    finished = finish(assign())
    assert finished.reason == FailureReason.TRUNCATED
    assert (finished.text, finished.partial) == ("Long st", True)


def test_half_a_tool_call_is_never_made(script, assign, echo_calls):
    half = {"type": "tool_use", "id": "toolu_1", "name": "echo", "input": {}, "json": '{"say": "a'}
    script(reply([half], "max_tokens"), say("Never mind."))
    assert finish(assign()).outcome == "completed"
    assert echo_calls == []


def test_a_refusal_says_why_and_keeps_the_refused_words_out(script, assign):
    details = {"type": "refusal", "category": "cyber", "explanation": "That would do harm."}
    script(say("Here is how", "refusal", details=details))
    finished = finish(assign())
    assert (finished.reason, finished.text) == (FailureReason.REFUSAL, "")
    assert finished.detail == "The model declined (cyber). That would do harm."


def test_a_full_window_fails_the_run_when_there_is_nothing_to_clear(script, assign):
    script(say("So far", "model_context_window_exceeded"))
    finished = finish(assign())
    assert (finished.reason, finished.text) == (FailureReason.CONTEXT_WINDOW_EXCEEDED, "So far")


def test_an_unknown_stop_reason_is_an_end(script, assign):
    script(say("Fine.", "the_moon_is_full"))
    assert finish(assign()) == Finished("completed", text="Fine.")


def test_a_stop_sequence_is_an_end(script, assign):
    script(say("Fine.", "stop_sequence"))
    assert finish(assign()).outcome == "completed"


def test_an_unknown_runtime_fails_the_run_and_says_so(assign):
    finished = finish(assign(runtime="telepathy"))
    assert finished.reason == FailureReason.SDK_ERROR
    assert "telepathy" in finished.detail


def test_nul_and_lone_surrogates_are_stored_on_every_database(script, assign, echo_calls):
    script(want(("echo", {"say": "a\0b"}), text="x\0y\udfff"), say("z\0"))
    finished = finish(assign("prompt with \0 and \ud800"))
    assert finished.text == "z\N{REPLACEMENT CHARACTER}"
    assert echo_calls == [{"say": "a\N{REPLACEMENT CHARACTER}b"}]
