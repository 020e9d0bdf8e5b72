"""A conversation goes on from a message in another one: with all that was said, and nothing said twice."""

from datetime import timedelta

import pytest

from agents.models import Event, LedgerEntry
from agents.protocol.events import TextDelta, ToolFinished, ToolStarted
from chat.conversations.actions import trash
from chat.models import Conversation, Message
from chat.states import MessageStatus
from chat.transitions import deliver, fork
from chat.transitions.deliver import Result
from chat.worker import build_assignment, retention
from stagent.lib.problems import Problem
from tests.chat.worker.test_build_assignment import a_turn
from tests.support.builders import NOON
from tests.support.programs import Program, refusal
from tests.support.talking import begins, converses, ends, says, writes

LATER = NOON + timedelta(minutes=5)


def branch(conversation_id) -> list[tuple[str, str]]:
    found = Message.objects.filter(conversation=conversation_id).order_by("pk")
    return [(message.role, message.text) for message in found]


def called(owner) -> Message:
    """Return an answer that called a tool on its way."""
    place = says(owner, "What failed?")
    held = begins(place.reply_id)
    made = ToolFinished("c", "list_runs", is_error=False, result="run 7", duration_ms=1)
    writes(held, "Let me look.", a_turn("Let me look.", "c"), ToolStarted(1, "c", "list_runs", {}), made)
    writes(held, TextDelta(2, "\n\nRun 7."), a_turn("Run 7."))
    return ends(place.reply_id, held.token)


def told(owner, conversation_id) -> list[dict]:
    """Return what the model is told before the next words in a conversation."""
    place = says(owner, "And then?", LATER, conversation_id=str(conversation_id))
    return build_assignment.history(Message.objects.get(pk=place.message_id))


def test_the_branch_up_to_a_message_goes_on_in_a_conversation_of_its_own(bob):
    first = converses(bob, "One", "1")
    inside = str(first.conversation_id)
    second = converses(bob, "Two", "2", conversation_id=inside)
    converses(bob, "Three", "3", conversation_id=inside)
    converses(bob, "Another two", "2b", conversation_id=inside, parent_id=str(first.pk))
    made = fork(bob, inside, str(second.pk), now=LATER)
    assert branch(made.pk) == [("user", "One"), ("assistant", "1"), ("user", "Two"), ("assistant", "2")]
    chain = list(made.messages.order_by("pk"))
    assert [message.parent for message in chain] == [None, *chain[:-1]]
    assert (made.head, made.title, made.forked_from) == (chain[-1], "One (fork)", second)
    assert not made.unread
    assert len(branch(inside)) == 8, "where it began, nothing is otherwise"


def test_the_model_is_told_the_same_in_a_fork_each_call_with_its_result(bob):
    answer = called(bob)
    made = fork(bob, str(answer.conversation_id), None, now=LATER)
    there, here = told(bob, made.pk), told(bob, answer.conversation_id)
    assert there == here
    assert [message["role"] for message in there] == ["user", "assistant", "user", "assistant"]
    assert there[1]["content"][1]["id"] == there[2]["content"][0]["tool_use_id"]


def test_a_fork_shows_calls_and_parts_and_can_itself_be_forked_and_answered_in(bob):
    answer, program = called(bob), Program(bob)
    LedgerEntry.objects.create(at=NOON, activity="chat_turn", message_id=answer.pk, cost_usd=1)
    made = program.post(f"/conversations/{answer.conversation_id}/fork", {"message_id": str(answer.pk)})
    assert made.status_code == 201
    row = made.json()
    assert made["Location"] == f"/api/conversations/{row['id']}"
    assert (row["title"], row["forked_from"]) == ("What failed? (fork)", str(answer.pk))
    shown = program.get(f"/conversations/{row['id']}/messages").json()["items"][1]
    assert [part["kind"] for part in shown["parts"]] == ["text", "tool", "text"]
    assert shown["tools"][0]["result"] == "run 7"
    assert program.get(f"/messages/{shown['id']}/events").json()["items"]
    again = program.post(f"/messages/{shown['id']}/retry").json()
    assert again["conversation_id"] == row["id"]
    assert LedgerEntry.objects.count() == 1, "nothing is paid twice"
    twice = fork(bob, row["id"], shown["id"], now=LATER)
    assert twice.title == "What failed? (fork)"


def test_asked_twice_is_once_until_something_is_said_in_it(bob):
    answer = converses(bob)
    inside = str(answer.conversation_id)
    first = fork(bob, inside, str(answer.pk), now=LATER)
    assert fork(bob, inside, None, now=LATER) == first
    says(bob, "On we go", LATER + timedelta(seconds=1), conversation_id=str(first.pk))
    second = fork(bob, inside, str(answer.pk), now=LATER)
    assert second != first
    trash(bob, str(second.pk), now=LATER)
    assert fork(bob, inside, str(answer.pk), now=LATER) not in (first, second)


def test_what_is_not_finished_is_not_copied(bob):
    program, place = Program(bob), says(bob)
    path = f"/conversations/{place.conversation_id}/fork"
    assert refusal(program.post(path, {})) == (409, "still_answering")
    assert program.post(path, {"message_id": place.message_id}).status_code == 201
    empty = program.post("/conversations", {}).json()["id"]
    assert refusal(program.post(f"/conversations/{empty}/fork", {})) == (422, "validation_error")


def test_a_persons_last_words_are_answered_in_a_fork(bob):
    place = says(bob)
    made = fork(bob, str(place.conversation_id), str(place.message_id), now=LATER)
    again = Program(bob).post(f"/messages/{made.head_id}/retry").json()
    assert (again["conversation_id"], again["reply"]["status"]) == (str(made.pk), "pending")


def test_a_stopped_answer_and_a_result_are_copied_as_they_are(bob):
    result = deliver(Result("run:7", bob.pk, 3, "Nightly", "All is well.", run_id=7), now=NOON)
    place = says(bob, "Why?", conversation_id=str(result.conversation_id))
    held = begins(place.reply_id)
    writes(held, "Beca")
    ends(place.reply_id, held.token, status=MessageStatus.STOPPED)
    made = fork(bob, str(result.conversation_id), None, now=LATER)
    copied = list(made.messages.order_by("pk").values_list("run_id", "status", "text"))
    assert copied == [(7, "complete", "All is well."), (None, "complete", "Why?"), (None, "stopped", "Beca")]
    assert made.schedule_id is None, "results go on to arrive where they did"
    again = deliver(Result("run:8", bob.pk, 3, "Nightly", "Still well."), now=LATER)
    assert again.conversation == result.conversation


def test_nobody_forks_what_is_not_theirs_nor_from_a_message_of_elsewhere(bob, charlie):
    answer, other = converses(bob), converses(bob, "Elsewhere")
    with pytest.raises(Problem, match="Conversation not found"):
        fork(charlie, str(answer.conversation_id), None, now=LATER)
    with pytest.raises(Problem, match="Message not found"):
        fork(bob, str(answer.conversation_id), str(other.pk), now=LATER)
    assert Conversation.objects.count() == 2


def test_a_fork_keeps_its_logs_when_the_conversation_it_came_from_is_gone(bob):
    answer = called(bob)
    made = fork(bob, str(answer.conversation_id), None, now=NOON)
    before = told(bob, made.pk)
    trash(bob, str(answer.conversation_id), now=NOON)
    assert retention.prune(NOON + timedelta(days=31))
    made.refresh_from_db()
    assert (made.forked_from, Conversation.objects.get()) == (None, made)
    last = made.messages.filter(role="user").latest("pk")
    assert build_assignment.history(last) == before
    trash(bob, str(made.pk), now=NOON)
    assert retention.prune(NOON + timedelta(days=31))
    assert not Event.objects.filter(transcript=answer.transcript_id).exists()


def test_a_long_branch_is_copied_with_few_questions(bob, django_assert_max_num_queries):
    answer = converses(bob)
    for _ in range(12):
        answer = converses(bob, conversation_id=str(answer.conversation_id))
    with django_assert_max_num_queries(20):
        made = fork(bob, str(answer.conversation_id), None, now=LATER)
    assert len(branch(made.pk)) == 26
