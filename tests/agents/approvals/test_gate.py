"""Tools that need approval: the run is parked and resumes at the same turn with the answer."""

from contextlib import suppress
from datetime import timedelta

import pytest

from agents.approvals import approvals
from agents.approvals.gate import NOT_APPROVED
from agents.errors import LeaseLost
from agents.models import Approval
from agents.protocol.events import (
    ApprovalRequested,
    ApprovalResolved,
    Finished,
    Notice,
    ToolFinished,
    ToolStarted,
    TurnStarted,
)
from agents.protocol.reply import INTERRUPTED
from agents.protocol.shared_texts import CALL_DENIED, CALL_EXPIRED
from agents.tools import registry
from agents.tools.base import Tool, ToolError
from agents.transcripts import transcript
from stagent.lib import clock
from tests.agents.conftest import finish, work
from tests.agents.engine.test_runner_resume import stop_at
from tests.agents.provider import reply, say, want

pytestmark = pytest.mark.django_db

ASKS = {"tools": ["echo", "send"], "permissions": {"send": "ask"}, "can_request_approval": True}


@pytest.fixture
def sent():
    """Register a tool with a card of its own, and list what it sent."""
    recipients = []

    def send(context, arguments):
        recipients.append(arguments["to"])
        return f"sent to {arguments['to']}"

    def preview(context, arguments):
        if "@" not in arguments["to"]:
            raise ToolError("That is no address.")
        lines = [{"label": "To", "value": arguments["to"]}]
        return {"text": f"Send it to {arguments['to']}?", "title": "Send", "lines": lines, "warnings": []}

    schema = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]}
    registry.register(Tool("send", "Send it.", schema, send, preview=preview))
    yield recipients
    registry._tools.pop("send")


def events_of(events, kind):
    return [event for event in events if isinstance(event, kind)]


def results(provider):
    return {block["tool_use_id"]: block["content"] for block in provider.last["messages"][-1]["content"]}


def test_a_call_that_needs_approval_parks_the_run(script, assign, sent, alice):
    script(want(("send", {"to": "a@b.c"}), text="I shall send it."))
    assignment = assign(**ASKS)
    events = work(assignment)
    approval = Approval.objects.get()
    assert events[-1] == Finished("parked", detail="Waiting for an answer.", text="I shall send it.")
    assert (approval.text, approval.tool, approval.kind) == ("Send it to a@b.c?", "send", "tool_call")
    assert approval.card == {"title": "Send", "lines": [{"label": "To", "value": "a@b.c"}], "warnings": []}
    assert approval.expires_at - approval.asked_at == timedelta(days=1)
    assert (approval.run_id, approval.turn) == (assignment.spender.run_id, 1)
    (asked,) = events_of(events, ApprovalRequested)
    assert (asked.approval_id, asked.call_id) == (str(approval.pk), approval.call_id)
    assert sent == []
    stored = [
        row.data for row in transcript.read(assignment.transcript_id) if row.kind == "approval_requested"
    ]
    assert stored[0]["kind"] == "tool_call"
    assert ApprovalRequested.from_data(stored[0]) == asked


def test_an_allowed_call_is_made_and_the_run_goes_on_at_the_same_turn(script, assign, sent, alice):
    script(want(("send", {"to": "a@b.c"})))
    assignment = assign(clock="It is noon.", **ASKS)
    work(assignment)
    approvals.answer(Approval.objects.get().pk, alice, "allow")
    provider = script(say("Sent."))
    events = work(assignment)
    assert sent == ["a@b.c"]
    assert [event.status for event in events_of(events, ApprovalResolved)] == ["allowed"]
    assert [event.name for event in events_of(events, ToolStarted)] == ["send"]
    assert [event.turn for event in events_of(events, TurnStarted)] == [2]
    assert events_of(events, Notice) == []
    result, note = provider.last["messages"][-1]["content"]
    assert (result["content"], "It is noon." in note["text"]) == ("sent to a@b.c", True)
    assert events[-1].text == "Sent."


@pytest.mark.parametrize(
    ("text", "result"), [("", CALL_DENIED), ("Not today.", f"{CALL_DENIED} They said: Not today.")]
)
def test_a_denied_call_is_not_made_and_the_model_is_told(script, assign, sent, alice, text, result):
    script(want(("send", {"to": "a@b.c"})))
    assignment = assign(**ASKS)
    work(assignment)
    approvals.answer(Approval.objects.get().pk, alice, "deny", text=text)
    provider = script(say("I have not sent it."))
    assert finish(assignment).text == "I have not sent it."
    assert list(results(provider).values()) == [result]
    assert provider.last["messages"][-1]["content"][0]["is_error"]
    assert sent == []


def test_a_call_that_nobody_answered_in_time_is_not_made(script, assign, sent):
    script(want(("send", {"to": "a@b.c"})))
    assignment = assign(**ASKS)
    work(assignment)
    assert approvals.expire(clock.now() + timedelta(hours=23)) == 0
    assert approvals.expire(clock.now() + timedelta(hours=25)) == 1
    provider = script(say("Not sent."))
    assert finish(assignment).outcome == "completed"
    assert list(results(provider).values()) == [CALL_EXPIRED]
    assert sent == []


def test_a_person_answers_in_words_and_they_are_the_result(script, assign, alice):
    script(want(("ask_person", {"question": "Which one?", "choices": ["The red one", " ", "The blue one"]})))
    assignment = assign(tools=["ask_person"], can_request_approval=True)
    assert finish(assignment).outcome == "parked"
    approval = Approval.objects.get()
    assert (approval.kind, approval.text) == ("question", "Which one?")
    assert approval.card["choices"] == ["The red one", "The blue one"]
    approvals.answer(approval.pk, alice, "The green one")
    provider = script(say("Green, then."))
    assert finish(assignment).text == "Green, then."
    assert list(results(provider).values()) == ["The green one"]


def test_other_calls_are_made_at_once_and_results_keep_the_order_of_the_calls(
    script, assign, sent, echo_calls, alice
):
    script(want(("send", {"to": "a@b.c"}), ("echo", {"say": "x"}), ("send", {"to": "d@e.f"})))
    assignment = assign(**ASKS)
    work(assignment)
    assert echo_calls == [{"say": "x"}]
    first, second = Approval.objects.order_by("pk")
    approvals.answer(first.pk, alice, "allow")
    assert [type(event) for event in work(assignment)] == [Finished]  # one is still open: parked again
    assert sent == []
    approvals.answer(second.pk, alice, "deny")
    provider = script(say("Done."))
    assert finish(assignment).text == "Done."
    assert list(results(provider).values()) == ["sent to a@b.c", "echo x", CALL_DENIED]
    assert (sent, len(echo_calls)) == (["a@b.c"], 1)


def test_a_call_with_wrong_arguments_is_not_asked_about(script, assign, sent):
    provider = script(want(("send", {"to": "nowhere"}), ("send", {})), say("I see."))
    assert finish(assign(**ASKS)).text == "I see."
    one, other = results(provider).values()
    assert one == "That is no address."
    assert "to is required" in other
    assert not Approval.objects.exists()


def test_a_tool_without_a_card_shows_its_arguments_and_how_much_is_cut(script, assign):
    script(want(("write_file", {"path": "a.txt", "content": "x" * 5000})))
    finish(assign(tools=["write_file"], permissions={"write_file": "ask"}, can_request_approval=True))
    card = Approval.objects.get().card
    assert card["title"] == "Call write_file"
    assert card["lines"][0] == {"label": "path", "value": "a.txt"}
    assert len(card["lines"][1]["value"]) == 4000
    assert card["warnings"] == ["Only the first 4,000 of 5,000 characters of “content” are shown here."]


def test_tools_that_need_approval_are_not_offered_where_nobody_can_be_asked(script, assign, sent):
    provider = script(want(("send", {"to": "a@b.c"})), say("I cannot."))
    assert finish(assign(**ASKS | {"can_request_approval": False, "tools": ["*"]})).text == "I cannot."
    offered = {tool["name"] for tool in provider.last["tools"]}
    assert not {"send", "ask_person"} & offered
    assert "no tool 'send'" in next(iter(results(provider).values()))


def test_a_call_is_not_made_twice_when_the_worker_dies_in_it(script, assign, sent, alice):
    script(want(("send", {"to": "a@b.c"})))
    assignment = assign(**ASKS)
    work(assignment)
    approvals.answer(Approval.objects.get().pk, alice, "allow")
    stop_at(assignment, lambda event: isinstance(event, ToolStarted), "leave")
    before = len(sent)
    provider = script(say("It may have been sent."))
    events = work(assignment)
    assert list(results(provider).values()) == [INTERRUPTED]
    assert len(sent) == before
    assert events_of(events, ApprovalResolved) == []  # emitted before


def test_the_next_worker_asks_if_one_dies_before_asking(script, assign, sent, echo_calls):
    script(want(("echo", {"say": "x"}), ("send", {"to": "a@b.c"})))
    assignment = assign(**ASKS)
    stop_at(assignment, lambda event: isinstance(event, ToolFinished), "leave")
    Approval.objects.all().delete()  # the worker may or may not have created them by then
    assert finish(assignment).outcome == "parked"
    assert Approval.objects.get().text == "Send it to a@b.c?"
    assert echo_calls == [{"say": "x"}]


def test_approval_of_one_call_does_not_cover_another_with_the_same_id(script, assign, sent, alice):
    def call(to):
        return reply([{"type": "tool_use", "id": "call_0", "name": "send", "input": {"to": to}}], "tool_use")

    script(call("a@b.c"))
    assignment = assign(**ASKS)
    work(assignment)
    approvals.answer(Approval.objects.get().pk, alice, "allow")
    script(call("evil@b.c"), say("I see."))
    assert finish(assignment).outcome == "parked", "it is asked about, under an id of its own"
    assert Approval.objects.open().get().text == "Send it to evil@b.c?"
    assert sent == ["a@b.c"]


def test_a_call_id_that_is_too_long_is_refused(script, assign, sent):
    call = {"type": "tool_use", "id": "c" * 201, "name": "send", "input": {"to": "a@b.c"}}
    provider = script(reply([call], "tool_use"), say("I see."))
    assert finish(assign(**ASKS)).text == "I see."
    assert list(results(provider).values()) == [NOT_APPROVED]


def test_a_worker_that_lost_its_lease_cannot_ask(script, assign, sent):
    script(want(("send", {"to": "a@b.c"})))
    assignment = assign(**ASKS)
    fields = {"transcript_id": assignment.transcript_id, "turn": 1, "spender": assignment.spender}
    transcript.rotate(assignment.transcript_id, assignment.token, None)
    with pytest.raises(LeaseLost):
        approvals.request([], token=assignment.token, now=clock.now(), **fields)
    with suppress(LeaseLost):
        work(assignment)
    assert not Approval.objects.exists()
