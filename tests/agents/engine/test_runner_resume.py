"""Stopped, cut off, given to another: nothing is lost, paid twice, or said by the wrong one."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing, suppress
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync, sync_to_async

from agents.engine import runner
from agents.engine.assignment import Assignment
from agents.errors import LeaseLost
from agents.models import LedgerEntry
from agents.protocol.events import Event, Notice, TextDelta, ToolStarted, TurnFinished, TurnStarted
from agents.protocol.reply import INTERRUPTED
from agents.states import FailureReason
from agents.tools import registry
from agents.tools.base import Tool
from agents.transcripts import transcript
from agents.transcripts.history import load_history
from tests.agents.conftest import finish, work
from tests.agents.provider import broken, refuse, reply, say, wait, want

pytestmark = pytest.mark.django_db


@pytest.fixture
def slow_tool() -> Iterator[None]:
    """Register a tool that never comes to an end."""

    async def call(context, arguments):
        await asyncio.Event().wait()
        return ""

    registry.register(Tool("slow", "Takes its time.", {"type": "object"}, call, blocking=False))
    yield
    registry._tools.pop("slow")


def stop_at(assignment: Assignment, reached: Callable[[Event], bool], stop: str = "cancel") -> list[Event]:
    """Work until something happens, then cancel the task or just leave the loop."""
    return async_to_sync(_stop_at)(assignment, reached, stop)


async def _stop_at(assignment, reached, stop) -> list[Event]:
    happened: list[Event] = []
    seen = asyncio.Event()

    async def follow() -> None:
        async with aclosing(runner.run(assignment)) as events:
            async for event in events:
                happened.append(event)
                if reached(event):
                    seen.set()
                    if stop == "leave":
                        return

    task = asyncio.create_task(follow())
    await asyncio.wait([asyncio.create_task(seen.wait()), task], return_when=asyncio.FIRST_COMPLETED)
    if stop == "cancel":
        task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return happened


def kinds(assignment: Assignment) -> list[str]:
    return [row.kind for row in transcript.read(assignment.transcript_id)]


@pytest.mark.parametrize("stop", ["cancel", "leave"])
def test_a_cancelled_reply_is_kept_and_paid_for_as_far_as_it_came(script, assign, stop):
    script(broken("word " * 70, asyncio.Event()))
    assignment = assign()
    happened = stop_at(assignment, lambda event: isinstance(event, TextDelta), stop)
    rows = transcript.read(assignment.transcript_id)
    assert [row.kind for row in rows[:2]] == ["turn_started", "reply_started"]
    assert {row.kind for row in rows[2:]} == {"text_delta"}
    text = "".join(row.data["text"] for row in rows[2:])
    assert text.startswith("".join(event.text for event in happened if isinstance(event, TextDelta)))
    entry = LedgerEntry.objects.get()
    assert (entry.estimated, entry.input_tokens) == (True, 100)
    assert entry.output_tokens > 0


def test_cancelling_closes_the_connection_at_once(script, assign):
    provider = script(broken("Some words", asyncio.Event()))
    stop_at(assign(), lambda event: isinstance(event, TextDelta))
    assert provider.streams[0].closed


def test_cancelling_before_the_first_word_counts_what_the_model_had_to_read(script, assign):
    script(wait(asyncio.Event()))
    stop_at(assign("word " * 700), lambda event: isinstance(event, TurnStarted))
    entry = LedgerEntry.objects.get()
    assert entry.estimated
    assert 1000 < entry.input_tokens < 2000
    assert entry.output_tokens == 0


def test_a_run_goes_on_at_the_turn_it_had_reached(script, assign, echo_calls):
    calls = [want(("echo", {"say": "a"}), text="First."), want(("echo", {"say": "b"}))]
    script(*calls, broken("Half an ans", asyncio.Event()))
    assignment = assign()
    stop_at(assignment, lambda event: isinstance(event, TextDelta) and event.turn == 3)
    provider = script(say("Whole answer."))
    events = work(assignment)
    assert [event.turn for event in events if isinstance(event, TurnStarted)] == [3]
    assert [event.code for event in events if isinstance(event, Notice)] == ["resumed"]
    assert events[-1].text == "Whole answer."
    assert [message["role"] for message in provider.last["messages"]] == ["user", "assistant"] * 2 + ["user"]
    assert echo_calls == [{"say": "a"}, {"say": "b"}]


def test_limits_count_what_earlier_attempts_used(script, assign, echo_calls):
    script(want(("echo", {"say": "a"})), want(("echo", {"say": "b"})), refuse(529, "overloaded_error"))
    assignment = assign(max_turns=3)
    assert finish(assignment).reason == FailureReason.OVERLOADED
    provider = script(say("What I have."))
    assert finish(assignment).reason == FailureReason.TURN_LIMIT_EXCEEDED
    assert provider.last["tool_choice"] == {"type": "none"}
    assert len(provider.requests) == 1


def test_a_call_without_a_result_is_answered_with_doubt_and_not_made_again(
    script, assign, echo_calls, slow_tool
):
    script(want(("echo", {"say": "a"}), ("slow", {}), ("echo", {"say": "b"})))
    assignment = assign(tools=["echo", "slow"])
    stop_at(assignment, lambda event: isinstance(event, ToolStarted) and event.name == "slow")
    provider = script(say("I see."))
    assert finish(assignment).text == "I see."
    results = provider.last["messages"][-1]["content"]
    assert results[-1].pop("cache_control")
    assert [block["content"] for block in results] == ["echo a", INTERRUPTED, INTERRUPTED]
    assert [block.get("is_error", False) for block in results] == [False, True, True]
    assert echo_calls == [{"say": "a"}]
    assert load_history(assignment.transcript_id).messages[1]["content"] == results


def test_an_answer_that_was_not_delivered_is_delivered_without_asking_again(script, assign):
    script(say("The answer."))
    assignment = assign()
    stop_at(assignment, lambda event: isinstance(event, TurnFinished), "leave")
    provider = script(say("Another answer."))
    assert finish(assignment).text == "The answer."
    assert provider.requests == []


def test_a_partial_answer_that_was_not_delivered_stays_partial(script, assign, echo_calls):
    script(say("What I have."))
    assignment = assign(max_turns=1)
    stop_at(assignment, lambda event: isinstance(event, TurnFinished), "leave")
    finished = finish(assignment)
    assert (finished.reason, finished.partial) == (FailureReason.TURN_LIMIT_EXCEEDED, True)


def test_a_report_made_before_the_break_is_not_forgotten(script, assign):
    script(want(("report", {"changed": True, "body": "Look."})), refuse(529, "overloaded_error"))
    assignment = assign()
    work(assignment)
    script(say("Done."))
    assert finish(assignment).report == {"changed": True, "severity": "info", "body": "Look."}


def test_repetition_is_counted_across_attempts(script, assign, echo_calls):
    call = want(("echo", {"say": "again"}))
    script(call, call, call, refuse(529, "overloaded_error"))
    assignment = assign()
    work(assignment)
    provider = script(call)
    assert "repeat_loop" in finish(assignment).detail
    assert len(provider.requests) == 2


def test_thoughts_are_not_shown_to_another_model(script, assign, echo_calls):
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    use = {"type": "tool_use", "id": "toolu_1", "name": "echo", "input": {"say": "x"}}
    script(reply([thought, use], "tool_use"), refuse(529, "overloaded_error"))
    assignment = assign()
    work(assignment)
    provider = script(refuse(529, "overloaded_error"))
    work(assignment)
    assert provider.last["messages"][1]["content"] == [thought, use]
    assignment.profile.model = "claude-haiku-5-5"
    provider = script(say("Done."))
    work(assignment)
    assert provider.last["messages"][1]["content"] == [use]


def test_a_dated_name_of_the_model_is_the_same_model(script, assign, echo_calls):
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    use = {"type": "tool_use", "id": "toolu_1", "name": "echo", "input": {"say": "x"}}
    script(
        reply([thought, use], "tool_use", model="claude-opus-5-5-20261001"), refuse(529, "overloaded_error")
    )
    assignment = assign()
    work(assignment)
    provider = script(say("Done."))
    work(assignment)
    assert provider.last["messages"][1]["content"] == [thought, use]


def test_a_worker_that_lost_its_lease_stops_and_adds_nothing(script, assign):
    script(broken("Some words", waiting := asyncio.Event()))
    assignment = assign()
    successor = uuid4()

    async def lose() -> int:
        async with aclosing(runner.run(assignment)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    rotate = sync_to_async(transcript.rotate)
                    assert await rotate(assignment.transcript_id, assignment.token, successor)
                    rows = await sync_to_async(kinds)(assignment)
                    waiting.set()
        return len(rows)

    with pytest.raises(LeaseLost):
        async_to_sync(lose)()
    assert kinds(assignment).count("finished") == 0
    assert LedgerEntry.objects.get().estimated  # spent is spent, whoever has the lease


def test_a_worker_without_the_token_does_not_even_ask(script, assign):
    provider = script(say("Hello."))
    assignment = assign()
    transcript.rotate(assignment.transcript_id, assignment.token, None)
    with pytest.raises(LeaseLost):
        work(assignment)
    assert provider.requests == []
    assert kinds(assignment) == []


def test_results_of_calls_with_the_same_id_are_told_apart_by_their_turn(script, assign, echo_calls):
    """Some servers count the calls of each reply from nought."""

    def call(say):
        return reply(
            [{"type": "tool_use", "id": "call_0", "name": "echo", "input": {"say": say}}], "tool_use"
        )

    script(call("a"), call("b"), say("Done."))
    assignment = assign()
    work(assignment)
    past = load_history(assignment.transcript_id)
    told = [block["content"] for message in past.messages[1::2] for block in message["content"]]
    assert told == ["echo a", "echo b"]
    assert [(arguments["say"], finished.result) for _, arguments, finished in past.calls] == [
        ("a", "echo a"),
        ("b", "echo b"),
    ]
