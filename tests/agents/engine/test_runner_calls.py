"""Calls as models and servers write them: what is not whole is not made, and no history is refused."""

import pytest

from agents.protocol.events import ToolFinished, ToolStarted, TurnFinished
from agents.protocol.usage import Usage
from agents.transcripts import transcript
from agents.transcripts.history import load_history
from stagent.lib import clock
from tests.agents.conftest import finish, work
from tests.agents.provider import reply, say

pytestmark = pytest.mark.django_db

CUT = '{"say": "all", "na'


def wants(ident: str, written: str, stop: str = "tool_use"):
    """Ask for `echo` with these arguments, as they are written."""
    return reply([{"type": "tool_use", "id": ident, "name": "echo", "json": written}], stop)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (CUT, "it ends too early"),
        ('{"say": "x"', "it ends too early"),
        ('{"say": "a", "say": "b"}', "'say' is given twice"),
        ('{"say": "x", "n": NaN}', "NaN is not a JSON value"),
        ('{"say": "x", "n": 1e999}', "too large a number"),
        ('{"say": "x"} or so', "Extra data"),
        ('["x"]', "must be an object, not array"),
        ('"x"', "it is a string"),
    ],
)
def test_a_call_that_is_not_whole_is_not_made_and_the_model_is_told_why(
    script, assign, echo_calls, written, why
):
    provider = script(wants("toolu_1", written), say("I see."))
    events = work(assign())
    assert echo_calls == []
    (told,) = [event for event in events if isinstance(event, ToolFinished)]
    assert told.is_error
    assert why in told.result
    asked, answered = provider.last["messages"][1:3]
    assert isinstance(asked["content"][0]["input"], dict)
    assert answered["content"][0]["is_error"]
    assert events[-1].text == "I see."


def test_a_cut_call_is_not_made_after_a_restart_either(script, assign, echo_calls):
    script(wants("toolu_1", CUT), say("I see."))
    job = assign()
    work(job)
    assert load_history(job.transcript_id).messages[0]["content"][0]["input"] == {"arguments": CUT}
    assert echo_calls == []


def test_a_call_cut_by_the_longest_length_is_asked_for_again(script, assign, echo_calls):
    script(wants("toolu_1", CUT, "max_tokens"), wants("toolu_1", '{"say": "all"}'), say("Done."))
    assert finish(assign()).text == "Done."
    assert echo_calls == [{"say": "all"}]


def test_ids_that_a_server_uses_again_are_told_apart(script, assign, echo_calls):
    again = [wants("call_0", f'{{"say": "{word}"}}') for word in "abc"]
    twice = reply(
        [{"type": "tool_use", "id": "call_0", "name": "echo", "input": {"say": word}} for word in "de"],
        "tool_use",
    )
    provider = script(*again, twice, say("Done."))
    events = work(assign())
    assert [call["say"] for call in echo_calls] == list("abcde")
    started = [event.call_id for event in events if isinstance(event, ToolStarted)]
    assert len(set(started)) == 5
    results = [
        block["content"] for message in provider.last["messages"] for block in message["content"]
        if block["type"] == "tool_result"
    ]  # fmt: skip
    assert results == [f"echo {word}" for word in "abcde"]


def test_a_conversation_with_blank_blocks_and_repeated_ids_goes_on(script, assign):
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "sig"}
    blank = [{"type": "text", "text": ""}, thought, {"type": "text", "text": "  "}]
    call = {"type": "tool_use", "id": "a:1", "name": "echo", "input": "half"}
    result = {"type": "tool_result", "tool_use_id": "a:1", "content": ""}
    earlier = [
        {"role": "user", "content": " "},
        {"role": "assistant", "content": [*blank, {"type": "text", "text": "Only this."}, blank[0]]},
        {"role": "user", "content": "More."},
        {"role": "assistant", "content": [call, call]},
        {"role": "user", "content": [{"type": "text", "text": "Well?"}, result]},
        {"role": "assistant", "content": blank},
        {"role": "user", "content": "And \ud83d?"},
    ]
    script(say("Here I am."))
    assert finish(assign(earlier_messages=earlier)).text == "Here I am."


def test_a_log_with_blank_blocks_is_taken_up_again(script, assign):
    content = [{"type": "text", "text": ""}, {"type": "text", "text": "So."}, {"type": "text", "text": " "}]
    job = assign()
    turn = TurnFinished(1, content, "pause_turn", Usage(1, 1), 0, "m")
    transcript.append(job.transcript_id, job.token, [turn], clock.now())
    script(say("Done."))
    assert finish(job).text.endswith("Done.")
