"""What the model is told of a conversation: what was said before, as far as it can read it."""

from uuid import uuid4

import pytest

from agents.errors import LeaseLost
from agents.models import LedgerEntry, Profile
from agents.protocol.events import TextDelta, ToolFinished, ToolStarted, TurnFinished
from agents.protocol.usage import Usage
from agents.states import FailureReason
from agents.transcripts import transcript
from chat.models import Message
from chat.states import MessageStatus
from chat.transitions import deliver, finalise, request_stop
from chat.transitions.deliver import Result
from chat.transitions.finalise import End
from chat.worker import build_assignment
from stagent.lib.db.async_db import db_sync_to_async
from tests.support.answering import answered
from tests.support.builders import NOON, a_profile
from tests.support.talking import begins, converses, ends, says, writes

pytestmark = pytest.mark.django_db


def before(reply_id: int) -> list[dict]:
    return build_assignment.history(Message.objects.get(pk=reply_id).parent)


def next_in(message: Message, text: str = "And then?") -> int:
    return says(message.conversation.owner, text, conversation_id=str(message.conversation_id)).reply_id


def a_turn(text: str, call: str = "") -> TurnFinished:
    content = [{"type": "text", "text": text}]
    if call:
        content.append({"type": "tool_use", "id": call, "name": "list_runs", "input": {}})
    return TurnFinished(1, content, "tool_use" if call else "end_turn", Usage(), 0, "m")


def test_what_was_said_comes_in_order_with_the_calls_that_were_made(alice):
    place = says(alice, "What failed?")
    held = begins(place.reply_id)
    made = ToolFinished("c", "list_runs", is_error=False, result="run 7", duration_ms=1)
    writes(held, "Let me look.", a_turn("Let me look.", "c"), ToolStarted(1, "c", "list_runs", {}), made)
    writes(held, TextDelta(2, "\n\nRun 7."), a_turn("Run 7."))
    said = before(next_in(ends(place.reply_id, held.token)))
    assert [message["role"] for message in said] == ["user", "assistant", "user", "assistant"]
    assert said[0]["content"] == "What failed?"
    assert said[1]["content"][1]["id"] == said[2]["content"][0]["tool_use_id"] == "c"
    assert said[2]["content"][0]["content"] == "run 7"
    assert said[3]["content"] == [{"type": "text", "text": "Run 7."}]


def test_an_answer_that_was_stopped_is_told_as_broken_off(alice):
    place = says(alice)
    held = begins(place.reply_id)
    writes(held, "The first")
    stopped = ends(place.reply_id, held.token, status=MessageStatus.STOPPED)
    assert before(next_in(stopped))[1] == {
        "role": "assistant",
        "content": f"The first\n\n{build_assignment.CUT_OFF}",
    }
    silent = says(alice)
    silenced = ends(silent.reply_id, begins(silent.reply_id).token, status=MessageStatus.STOPPED)
    assert before(next_in(silenced))[1] == {"role": "assistant", "content": build_assignment.CUT_OFF}


def test_a_refused_turn_is_dropped_with_the_words_that_were_refused(alice):
    first = converses(alice, "Hello", "Hi.")
    refused = says(alice, "Forbidden", conversation_id=str(first.conversation_id))
    held = begins(refused.reply_id)
    end = End(MessageStatus.ERROR, FailureReason.REFUSAL)
    done = finalise(refused.reply_id, end, now=NOON, token=held.token)
    said = before(next_in(done))
    assert said[0]["content"] == "Hello"
    assert "Forbidden" not in str(said)
    assert [message["role"] for message in said] == ["user", "assistant"]


def test_what_was_withdrawn_is_not_told(alice):
    answer = converses(alice, "One", "Two.")
    request_stop(alice, str(next_in(answer, "Taken back")), now=NOON)
    told = before(next_in(answer, "Three"))
    assert [message["role"] for message in told] == ["user", "assistant"]
    assert "Taken back" not in str(told)


def test_a_branch_knows_nothing_of_the_others(alice):
    first = converses(alice, "One", "1")
    here = str(first.conversation_id)
    converses(alice, "Two", "2", conversation_id=here)
    place = says(alice, "Other two", conversation_id=here, parent_id=str(first.pk))
    assert "Two" not in str(before(place.reply_id))
    assert len(before(place.reply_id)) == 2
    assert before(says(alice, "Anew", conversation_id=here, parent_id="root").reply_id) == []


def a_result(owner, **more) -> Message:
    card = {"prompt": "Report.", "schedule_name": "Nightly"}
    return deliver(
        Result("run:7", owner.pk, 3, "Nightly", "All is well.", run_id=7, card=card, **more), now=NOON
    )


def test_a_reply_to_a_result_knows_what_the_run_did(alice):
    held = uuid4()
    log = transcript.open_transcript(held)
    made = ToolFinished("c", "list_runs", is_error=False, result="nothing failed", duration_ms=1)
    happened = [a_turn("Looking.", "c"), ToolStarted(1, "c", "list_runs", {}), made, a_turn("All is well.")]
    transcript.append(log.pk, held, happened, NOON)
    said = before(next_in(a_result(alice, transcript_id=log.pk)))
    assert "Nightly" in said[0]["content"]
    assert said[0]["content"].endswith("Report.")
    assert "nothing failed" in str(said[2])
    assert said[-1]["content"] == [{"type": "text", "text": "All is well."}]


def test_of_a_run_that_was_pruned_the_result_is_known(alice):
    said = before(next_in(a_result(alice)))
    assert [message["role"] for message in said] == ["user", "assistant"]
    assert said[1]["content"] == "All is well."


def test_a_conversation_too_long_is_cut_from_its_oldest_end(alice, settings):
    settings.STAGENT_CONTEXT_TOKENS = "10000"
    first = converses(alice, "x" * 15_000, "Oldest.")
    here = str(first.conversation_id)
    last = first
    for number in range(3):
        last = converses(alice, f"{number} " + "y" * 6_000, f"Answer {number}.", conversation_id=here)
    said = before(next_in(last))
    assert said[0] == {"role": "user", "content": build_assignment.OLDER}
    assert said[-1]["content"].startswith("Answer 2.")
    assert "xxx" not in str(said)


def test_a_long_conversation_costs_no_question_for_each_answer(alice, django_assert_max_num_queries):
    last = converses(alice, "Question 0", "Answer 0.")
    for number in range(1, 60):
        here = str(last.conversation_id)
        last = converses(alice, f"Question {number}", f"Answer {number}.", conversation_id=here)
    asked = Message.objects.get(pk=next_in(last)).parent
    with django_assert_max_num_queries(12):
        said = build_assignment.history(asked)
    assert [message["content"] for message in said[::2]] == [f"Question {number}" for number in range(60)]
    assert len(said) == 120


def test_who_has_lost_the_reply_is_told_nothing(alice):
    place = says(alice)
    held = begins(place.reply_id)
    ends(place.reply_id, held.token)
    with pytest.raises(LeaseLost):
        build_assignment.build(held)


def test_the_profile_and_the_model_that_were_picked_are_asked(alice):
    profile = a_profile("worker", max_turns=7, model="m-0")
    picked = build_assignment.build(begins(says(alice, profile="worker", model="m-1").reply_id))
    assert (picked.profile.slug, picked.profile.model, picked.limits.max_turns) == ("worker", "m-1", 7)
    assert build_assignment.build(begins(says(alice, profile="worker").reply_id)).profile.model == "m-0"
    profile.refresh_from_db()
    assert profile.model == "m-0", "what is picked for a conversation is picked for no other"
    Profile.objects.all().delete()
    assert build_assignment.build(begins(says(alice).reply_id)).profile.slug == "assistant"


def thoughts(reply_id: int) -> bool:
    """Tell whether the thoughts of earlier answers are given back to whoever answers this time."""
    context = build_assignment.build(begins(reply_id)).earlier_messages
    blocks = [block for message in context for block in message["content"] if not isinstance(block, str)]
    assert {"type": "text", "text": "Run 7."} in blocks
    return any(block["type"] == "thinking" for block in blocks)


def test_thoughts_go_back_to_the_model_that_thought_them_and_to_no_other(alice, settings):
    settings.ANTHROPIC_API_KEY = "a key"
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    place = says(alice, "What failed?", model="m-1")
    held = begins(place.reply_id)
    content = [thought, {"type": "text", "text": "Run 7."}]
    turn = TurnFinished(1, content, "end_turn", Usage(), 0, "m-1", provider="anthropic")
    writes(held, "Run 7.", turn)
    done = ends(place.reply_id, held.token)
    here = {"conversation_id": str(done.conversation_id), "parent_id": str(done.pk)}
    assert thoughts(says(alice, "And then?", **here).reply_id)
    assert not thoughts(says(alice, "And then?", model="m-2", **here).reply_id)


RATES = ("input", "output", "cache_read", "cache_write")


async def test_where_the_offline_model_answers_it_says_so_whatever_was_picked(alice):
    reply = await answered(alice, "[[offline: tokens=3]]", model="claude-opus-5-5")
    entry = await db_sync_to_async(LedgerEntry.objects.get, message_id=reply.pk)
    assert (entry.model, entry.price) == ("offline model", {"source": "local"} | dict.fromkeys(RATES, "0"))
    assert (await db_sync_to_async(Message.objects.get, pk=reply.pk)).model == "offline model"
