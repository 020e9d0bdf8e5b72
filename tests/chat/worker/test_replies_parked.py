"""A reply that has to ask a person first: put aside, answered, and gone on with where it was."""

from datetime import timedelta

import pytest

from agents.approvals import approvals
from agents.models import Approval, LiveStream, StreamRecord
from agents.protocol.events import Finished, TextDelta, TurnStarted
from chat.models import Message
from chat.transitions import park, request_stop, unpark
from chat.transitions.latency import latency_of
from chat.worker import reconcile
from stagent.lib import clock
from stagent.lib.db.async_db import db_sync_to_async
from tests.support.answering import answered, end_of, events, kinds, takes_up
from tests.support.builders import NOON, a_profile
from tests.support.talking import asks, begins, says, writes

pytestmark = pytest.mark.django_db
ASKS = "Look. [[offline: turns=2 tool=list_files]]"


@pytest.fixture
def careful(db):
    """A profile that asks before it lists files."""
    return a_profile("careful", tools=["list_files"], permissions={"list_files": "ask"})


async def parked(owner) -> Message:
    """Let a reply come to its question."""
    reply = await answered(owner, ASKS, profile="careful")
    assert (reply.status, reply.token) == ("pending", None)
    assert reply.asks_since is not None
    return reply


async def goes_on(reply: Message) -> Message:
    assert await db_sync_to_async(unpark, reply.pk)
    return await end_of(await takes_up(reply.pk))


def the_approval(reply: Message) -> Approval:
    return Approval.objects.get(message_id=reply.pk)


def result_in(reply: Message) -> dict:
    (event,) = [event for event in events(reply.transcript_id) if event.kind == "tool_finished"]
    return event.data


async def test_while_it_waits_it_holds_nothing(alice, careful):
    reply = await parked(alice)
    assert not await db_sync_to_async(LiveStream.objects.exists)
    assert not await db_sync_to_async(StreamRecord.objects.exists), "it has not ended"
    assert (await db_sync_to_async(kinds, reply.transcript_id))[-2:] == ["approval_requested", "finished"]
    approval = await db_sync_to_async(the_approval, reply)
    assert (approval.user_id, approval.tool) == (alice.pk, "list_files")
    assert not await db_sync_to_async(unpark, reply.pk)


async def test_allowed_it_goes_on_at_the_same_turn(alice, careful):
    reply = await parked(alice)
    approval = await db_sync_to_async(the_approval, reply)
    await db_sync_to_async(approvals.answer, approval.pk, alice, "allow")
    done = await goes_on(reply)
    assert (done.status, done.reason) == ("complete", "completed")
    assert not (await db_sync_to_async(result_in, done))["is_error"]
    told = await db_sync_to_async(kinds, done.transcript_id)
    assert (told.count("started"), told.count("turn_started")) == (1, 2)
    assert told.count("approval_resolved") == 1
    assert await db_sync_to_async(StreamRecord.objects.count) == 1


async def test_always_allowed_it_asks_no_more_in_this_conversation(alice, careful):
    reply = await parked(alice)
    approval = await db_sync_to_async(the_approval, reply)
    assert approval.place == f"conversation:{reply.conversation_id}"
    await db_sync_to_async(approvals.answer, approval.pk, alice, "always")
    await goes_on(reply)
    again = await answered(alice, ASKS, conversation_id=str(reply.conversation_id))
    assert again.status == "complete"
    assert (await db_sync_to_async(the_approval, again)).by_standing_approval
    assert "approval_requested" not in await db_sync_to_async(kinds, again.transcript_id)
    await parked(alice)  # in another conversation


async def test_denied_it_goes_on_without(alice, careful):
    reply = await parked(alice)
    approval = await db_sync_to_async(the_approval, reply)
    await db_sync_to_async(lambda: approvals.answer(approval.pk, alice, "deny", text="Not there."))
    done = await goes_on(reply)
    assert done.status == "complete"
    result = await db_sync_to_async(result_in, done)
    assert result["is_error"]
    assert "Not there." in result["result"]


async def test_answered_too_late_it_goes_on_without(alice, careful, monkeypatch):
    reply = await parked(alice)
    approval = await db_sync_to_async(the_approval, reply)
    late = approval.expires_at + timedelta(seconds=1)
    await db_sync_to_async(reconcile.finalise_stale, late)
    assert await db_sync_to_async(Message.objects.ready().filter(pk=reply.pk).exists)
    done = await end_of(await takes_up(reply.pk))
    assert done.status == "complete"
    assert "in time" in (await db_sync_to_async(result_in, done))["result"]


async def test_stopped_while_it_waits_it_ends_and_asks_no_more(alice, careful):
    reply = await parked(alice)
    done = await db_sync_to_async(lambda: request_stop(alice, str(reply.pk), now=clock.now()))
    assert (done.status, done.reason) == ("stopped", "client_stop")
    assert (await db_sync_to_async(the_approval, reply)).status == "withdrawn"
    assert (await db_sync_to_async(kinds, reply.transcript_id))[-1] == "settled"


async def test_answered_before_it_was_put_aside_it_goes_on_at_once(alice, careful, monkeypatch):
    def answers_first(claim, *, now):
        approvals.answer(Approval.objects.get(message_id=claim.message_id).pk, alice, "allow", now)
        park(claim, now=now)

    monkeypatch.setattr("chat.worker.reply_task.park", answers_first)
    reply = await answered(alice, ASKS, profile="careful")
    assert (reply.status, reply.asks_since) == ("pending", None)
    assert await db_sync_to_async(Message.objects.ready().filter(pk=reply.pk).exists)


def test_a_lost_call_does_not_leave_it_waiting(alice):
    place = says(alice)
    held = begins(place.reply_id)
    approval = asks(held)
    park(held, now=NOON)
    approvals.answer(approval.pk, alice, "allow", NOON)  # and the process dies before it tells anybody
    assert not Message.objects.ready().exists()
    reconcile.finalise_stale(NOON)
    assert Message.objects.ready().get().pk == place.reply_id


def test_an_answer_lets_the_reply_go_on_as_soon_as_it_is_committed(alice, django_capture_on_commit_callbacks):
    place = says(alice)
    held = begins(place.reply_id)
    approval = asks(held)
    park(held, now=NOON)
    with django_capture_on_commit_callbacks(execute=True):
        approvals.answer(approval.pk, alice, "allow", NOON)
    assert Message.objects.ready().get().pk == place.reply_id


def after(seconds: int):
    return NOON + timedelta(seconds=seconds)


def test_the_wait_for_a_person_is_not_the_readers(alice):
    place = says(alice)
    held = begins(place.reply_id, after(1))
    writes(held, TurnStarted(1), now=after(2))
    approval = asks(held, after(3))
    writes(held, Finished("parked"), now=after(5))
    park(held, now=after(5))
    approvals.answer(approval.pk, alice, "allow", after(3600))
    unpark(place.reply_id)
    waited = latency_of(Message.objects.get(pk=place.reply_id), after(3600))
    assert (waited.before_claim_ms, waited.request_ms, waited.first_word_ms) == (5000, 2000, None)
    held = begins(place.reply_id, after(3601))
    writes(held, TextDelta(2, "So"), now=after(3602))
    writes(held, TextDelta(2, "…"), Finished("parked"), now=after(3604))
    park(held, now=after(3604))
    waited = latency_of(Message.objects.get(pk=place.reply_id), after(9999))
    assert (waited.before_claim_ms, waited.request_ms, waited.first_word_ms) == (7000, 2000, 5000)
