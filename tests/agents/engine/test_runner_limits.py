"""Limits are checked before each request, and a limited agent still answers."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from agents.models import Budget, LedgerEntry
from agents.protocol.events import Finished, Notice
from agents.spending.budgets import Spender
from agents.states import Activity, BudgetScope, FailureKind, FailureReason
from agents.tools import registry
from agents.tools.base import Tool
from stagent.lib import clock
from tests.agents.conftest import finish, work
from tests.agents.provider import Answer, refuse, say, want

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def each_time(number: int) -> Answer:
    """Ask for the tool with something new, so that nothing repeats."""
    return want(("echo", {"say": f"step {number}"}), text=f"Step {number}.")


def test_the_model_is_asked_at_most_as_often_as_the_limit_says(script, assign, echo_calls):
    provider = script(*map(each_time, range(9)))
    finished = finish(assign(max_turns=3))
    assert len(provider.requests) == 3
    assert finished.reason == FailureReason.TURN_LIMIT_EXCEEDED


def test_one_turn_before_the_limit_the_agent_is_told_to_answer_now(script, assign, echo_calls):
    provider = script(each_time(1), each_time(2), say("As far as I got."))
    events = work(assign(max_turns=3))
    assert [request["tool_choice"]["type"] for request in provider.requests] == ["auto", "auto", "none"]
    assert provider.last["tools"] == provider.requests[0]["tools"]
    results, note = provider.last["messages"][-1]["content"]
    assert results["type"] == "tool_result"
    assert "This is your last reply" in note["text"]
    assert any(isinstance(event, Notice) and event.code == "last_turn" for event in events)
    assert (events[-1].outcome, events[-1].reason) == ("failed", FailureReason.TURN_LIMIT_EXCEEDED)
    assert (events[-1].text, events[-1].partial) == ("As far as I got.", True)


def test_a_tool_call_in_the_last_reply_is_not_made(script, assign, echo_calls):
    script(each_time(1), each_time(2))
    finished = finish(assign(max_turns=2))
    assert echo_calls == [{"say": "step 1"}]
    assert (finished.text, finished.partial) == ("Step 2.", True)


def test_an_agent_that_answers_before_its_limit_has_completed(script, assign, echo_calls):
    script(each_time(1), say("Done."))
    assert finish(assign(max_turns=3)).outcome == "completed"


def test_with_a_limit_of_one_an_agent_with_tools_is_told_to_answer_and_is_limited(script, assign, echo_calls):
    provider = script(say("Here it is."))
    finished = finish(assign(max_turns=1))
    assert provider.last["tool_choice"] == {"type": "none"}
    assert (finished.reason, finished.text) == (FailureReason.TURN_LIMIT_EXCEEDED, "Here it is.")


def test_with_a_limit_of_one_an_agent_without_tools_simply_answers(script, assign):
    provider = script(say("Here it is."))
    assert finish(assign(max_turns=1, tools=[])) == Finished("completed", text="Here it is.")
    assert "tool_choice" not in provider.last
    assert len(provider.last["messages"][0]["content"]) == 1


def test_a_run_that_was_used_up_before_is_not_asked_again(script, assign):
    provider = script(say("More."))
    assert finish(assign(max_turns=4, turns_used=4)).reason == FailureReason.TURN_LIMIT_EXCEEDED
    assert provider.requests == []


def test_a_second_try_is_not_taken_beyond_the_limit(script, assign):
    provider = script(say("Long st", "max_tokens"))
    assert finish(assign(max_turns=1, tools=[])).reason == FailureReason.TRUNCATED
    assert len(provider.requests) == 1


def test_money_left_bounds_the_length_of_a_reply(script, assign):
    provider = script(say("Hello."))
    finish(assign(max_cost_usd=Decimal("0.04")))  # at 20 USD per million tokens: fewer than 2000 of them
    assert 1900 < provider.last["max_tokens"] < 2000


def test_a_run_without_money_left_asks_nothing(script, assign):
    provider = script(say("Hello."))
    finished = finish(assign(max_cost_usd=Decimal("0.05"), cost_used=Decimal("0.0499")))
    assert finished.reason == FailureReason.BUDGET_EXCEEDED
    assert finished.detail.startswith("The cost limit of this run (0.05 USD) is used up. Raise")
    assert finished.failure is FailureKind.COST_LIMIT
    assert provider.requests == []


def test_when_the_money_is_nearly_gone_the_agent_is_told_to_answer(script, assign, echo_calls):
    calls = [want(("echo", {"say": f"{n}"}), usage={"output_tokens": 1000}) for n in range(2)]
    provider = script(*calls, say("Half of it."))  # at about 0.0204 USD each
    finished = finish(assign(max_cost_usd=Decimal("0.08")))
    assert len(provider.requests) == 3
    assert provider.last["tool_choice"] == {"type": "none"}
    assert (finished.reason, finished.text) == (FailureReason.BUDGET_EXCEEDED, "Half of it.")


def test_an_answer_cut_short_for_lack_of_money_is_not_asked_for_again(script, assign):
    provider = script(say("Long st", "max_tokens"))
    finished = finish(assign(max_cost_usd=Decimal("0.05")))
    assert (finished.reason, finished.text) == (FailureReason.BUDGET_EXCEEDED, "Long st")
    assert len(provider.requests) == 1


def test_tokens_are_limited_too(script, assign):
    provider = script(say("Hello."))
    finish(assign(max_tokens=2000, tools=[]))
    assert 1900 < provider.last["max_tokens"] < 2000
    assert "500 tokens" in finish(assign(max_tokens=500, prompt="word " * 400)).detail


def test_a_spent_budget_stops_the_run_before_it_asks(script, assign):
    provider = script(say("Hello."))
    Budget.objects.create(scope=BudgetScope.INSTALL, window="day", max_cost_usd=1)
    LedgerEntry.objects.create(at=clock.now(), activity=Activity.CHAT_TURN, cost_usd=1)
    finished = finish(assign())
    assert finished.reason == FailureReason.BUDGET_EXCEEDED
    assert finished.detail.startswith("The daily budget of this install is used up")
    assert finished.failure is FailureKind.BUDGET_SPENT
    assert provider.requests == []


def test_a_budget_that_runs_out_on_the_way_keeps_what_was_said(script, assign, echo_calls):
    script(want(("echo", {"say": "a"}), text="So far.", usage={"output_tokens": 40_000}))
    Budget.objects.create(scope=BudgetScope.SCHEDULE, subject_id=3, window="month", max_cost_usd=1)
    finished = finish(assign())
    assert (finished.reason, finished.text, finished.partial) == (
        FailureReason.BUDGET_EXCEEDED,
        "So far.",
        True,
    )
    assert "monthly budget of this schedule" in finished.detail


def test_another_project_s_budget_is_no_concern(script, assign):
    script(say("Hello."))
    Budget.objects.create(scope=BudgetScope.PROJECT, subject_id=99, window="day", max_turns=1)
    LedgerEntry.objects.create(at=clock.now(), activity=Activity.RUN_TURN, project_id=99)
    assert finish(assign(spender=Spender(Activity.RUN_TURN, project_id=1))).outcome == "completed"


def test_a_local_server_costs_nothing_whatever_its_models_are_called(script, assign):
    script(say("Hello."), url="http://localhost:11434")
    assert finish(assign(model="claude-opus-5-5", max_cost_usd=Decimal(0))).outcome == "completed"
    entry = LedgerEntry.objects.get()
    assert (entry.cost_usd, entry.provider, entry.input_tokens) == (
        Decimal(0),
        "anthropic@localhost:11434",
        100,
    )


def test_old_tool_results_are_cleared_when_the_conversation_grows_too_long(
    script, assign, echo_calls, settings
):
    settings.STAGENT_CONTEXT_TOKENS = "3000"
    long = "x" * 2000
    calls = [want(("echo", {"say": f"{n} {long}"}), usage={"input_tokens": 1300 * n}) for n in range(1, 9)]
    provider = script(*calls, say("Done."))
    events = work(assign(max_turns=50))
    assert any(isinstance(event, Notice) and event.code == "context_cleared" for event in events)
    results = [
        m["content"][0]["content"]
        for m in provider.last["messages"]
        if m["content"][0]["type"] == "tool_result"
    ]
    assert results[0].startswith("[Cleared to save space: 2,007 characters.")
    assert results[-1] == f"echo 8 {long}"


def test_a_conversation_too_long_for_the_model_is_shortened_once(script, assign, echo_calls):
    too_long = refuse(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum")
    calls = [want(("echo", {"say": f"{n} {'x' * 2000}"})) for n in range(8)]
    provider = script(*calls, too_long, say("Done."))
    assert finish(assign(max_turns=50)).outcome == "completed"
    assert len(provider.requests) == 10
    script(*calls, too_long)
    assert finish(assign(max_turns=50)).reason == FailureReason.CONTEXT_WINDOW_EXCEEDED


def test_a_tool_that_needs_asking_first_is_not_offered(script, assign, echo_calls):
    provider = script(say("Hello."))
    tool = Tool("careful", "Needs a person.", {"type": "object"}, lambda *_: "", permission="ask")
    registry.register(tool)
    try:
        work(assign(tools=["*"], permissions={"fail": "deny"}))
    finally:
        registry._tools.pop("careful")
    names = {tool["name"] for tool in provider.last["tools"]}
    assert "echo" in names
    assert not names & {"careful", "fail"}
