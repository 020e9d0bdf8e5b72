"""The arrows of a message: each has one home, and whoever comes second changes nothing."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from agents.approvals import approvals
from agents.errors import LeaseLost
from agents.models import Event, LiveStream, StreamRecord
from agents.transcripts import transcript
from chat import transitions
from chat.errors import LostRace
from chat.models import Conversation, Message
from chat.states import ARROWS, FINISHED, UNFINISHED, MessageStatus, Reason
from chat.transitions import Draft, End, accept, deliver, finalise, latency, park, renew, request_stop, unpark
from chat.transitions.deliver import Result
from stagent.lib.problems import Problem
from tests.support.builders import NOON
from tests.support.talking import TTL, asks, begins, converses, ends, says, writes

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(seconds=5)
STOPPED = End(MessageStatus.STOPPED, Reason.CLIENT_STOP)


def reply_of(place) -> Message:
    return Message.objects.get(pk=place.reply_id)


def a_pending(owner):
    return says(owner).reply_id, None


def a_streaming(owner):
    place = says(owner)
    return place.reply_id, begins(place.reply_id)


def walk(name: str, owner, to: str):
    """Bring a reply to where an arrow begins, walk it, and return what stands there now."""
    if name == "accept":
        return says(owner).reply_id
    if name == "deliver":
        return deliver(Result("k", owner.pk, 1, "Nightly", "Done."), now=NOON).pk
    if name == "claim":
        return begins(a_pending(owner)[0]).message_id
    reply_id, held = a_streaming(owner)
    if name == "park":
        asks(held)
        park(held, now=LATER)
    else:
        finalise(reply_id, End(MessageStatus(to), "reconciled"), now=LATER, token=held.token)
    return reply_id


@pytest.mark.parametrize(("start", "to", "name"), ARROWS)
def test_every_arrow_has_its_function_and_leads_where_it_says(alice, start, to, name):
    assert callable(getattr(transitions, name))
    if (start, name) == (MessageStatus.PENDING, "finalise"):
        reply_id = a_pending(alice)[0]
        finalise(reply_id, STOPPED, now=LATER)
    else:
        reply_id = walk(name, alice, to)
    assert Message.objects.get(pk=reply_id).status == to


@pytest.mark.parametrize("status", FINISHED)
def test_what_is_finished_is_finished_for_good(alice, status):
    reply_id, held = a_streaming(alice)
    writes(held, "Said.")
    finalise(reply_id, End(status, Reason.RECONCILED), now=LATER, token=held.token)
    before = Message.objects.values().get(pk=reply_id)
    log = transcript.read(before["transcript_id"])
    with pytest.raises(LostRace):
        begins(reply_id)
    with pytest.raises(LeaseLost):
        park(held, now=LATER)
    assert finalise(reply_id, STOPPED, now=LATER, token=held.token) is None
    assert finalise(reply_id, STOPPED, now=LATER) is None
    assert request_stop(alice, str(reply_id), now=LATER).status == status
    assert not unpark(reply_id)
    assert not renew([held.token], LATER, TTL)
    assert Message.objects.values().get(pk=reply_id) == before
    assert transcript.read(before["transcript_id"]) == log


def test_one_reply_is_claimed_once(alice):
    place = says(alice)
    begins(place.reply_id)
    with pytest.raises(LostRace):
        begins(place.reply_id)
    kinds = Event.objects.filter(transcript=reply_of(place).transcript).values_list("kind", flat=True)
    assert list(kinds) == ["started"]


def test_a_reply_that_was_put_aside_since_it_was_read_is_not_begun_again(alice):
    place = says(alice)
    read_before = Message.objects.select_related("conversation", "profile").get(pk=place.reply_id)
    park(begins(place.reply_id), now=NOON)
    with pytest.raises(LostRace):
        transitions.claim(read_before, holder="late", now=NOON, ttl=TTL)
    resumed = begins(place.reply_id)
    log = Event.objects.filter(transcript=resumed.transcript_id)
    assert not resumed.fresh
    assert [event.kind for event in log] == ["started"]


def test_while_somebody_is_answered_a_live_stream_is_there(alice):
    place = says(alice)
    assert not LiveStream.objects.exists()
    held = begins(place.reply_id)
    live = LiveStream.objects.get()
    assert (live.key, live.token, live.expires_at) == (f"message:{place.reply_id}", held.token, NOON + TTL)
    assert renew([held.token, uuid4()], LATER, TTL) == {held.token}
    assert LiveStream.objects.get().expires_at == LATER + TTL
    assert reply_of(place).lease_expires_at == LATER + TTL
    ends(place.reply_id, held.token, LATER)
    assert not LiveStream.objects.exists()


def test_the_end_tells_what_the_text_must_be(alice):
    place = says(alice)
    held = begins(place.reply_id)
    writes(held, "Zwölf ", "Läufe ", "🎉")
    done = ends(place.reply_id, held.token, LATER)
    assert done.text == "Zwölf Läufe 🎉"
    events = list(Event.objects.filter(transcript=done.transcript).order_by("seq"))
    assert [event.seq for event in events] == [1, 2, 3, 4, 5]
    assert events[-1].kind == "settled"
    assert events[-1].data == {
        "status": "complete", "reason": "completed", "notice": "",
        "sha256": hashlib.sha256("Zwölf Läufe 🎉".encode()).hexdigest(), "length": len("Zwölf Läufe 🎉"),
    }  # fmt: skip


def test_words_said_outside_the_stream_are_in_the_log_as_well(alice):
    place = says(alice)
    held = begins(place.reply_id)
    end = End(MessageStatus.COMPLETE, last_words="Nothing to report.")
    done = finalise(place.reply_id, end, now=LATER, token=held.token)
    deltas = Event.objects.filter(transcript=done.transcript, kind="text_delta")
    assert done.text == "".join(event.data["text"] for event in deltas) == "Nothing to report."


def test_a_wrong_token_ends_nothing(alice):
    place = says(alice)
    held = begins(place.reply_id)
    for token in (uuid4(), None):
        assert finalise(place.reply_id, STOPPED, now=LATER, token=token) is None
    writes(held, "Still mine.")
    assert reply_of(place).status == MessageStatus.STREAMING


def test_a_worker_whose_reply_was_ended_cannot_write_a_word_more(alice):
    place = says(alice)
    held = begins(place.reply_id)
    writes(held, "Mine.")
    finalise(place.reply_id, End(MessageStatus.INTERRUPTED, Reason.RECONCILED), now=LATER, token=held.token)
    with pytest.raises(LeaseLost):
        writes(held, " Late.")
    assert reply_of(place).text == "Mine."


def test_a_worker_whose_reply_was_parked_and_taken_by_another_cannot_write(alice):
    place = says(alice)
    first = begins(place.reply_id)
    park(first, now=LATER)  # nothing was asked, so it is ready again
    second = begins(place.reply_id, LATER)
    with pytest.raises(LeaseLost):
        writes(first, "Late.")
    writes(second, "Mine.")
    assert finalise(place.reply_id, STOPPED, now=LATER, token=first.token) is None
    assert ends(place.reply_id, second.token, LATER).text == "Mine."


@pytest.mark.parametrize("status", FINISHED)
@pytest.mark.parametrize("text", ["", "  \n"])
def test_nothing_ends_blank(alice, status, text):
    place = says(alice)
    held = begins(place.reply_id)
    if text:
        writes(held, text)
    done = finalise(place.reply_id, End(status, Reason.COMPLETED), now=LATER, token=held.token)
    assert done.notice


def test_the_database_refuses_what_is_finished_and_blank(alice):
    place = says(alice)
    with pytest.raises(IntegrityError, match="message_finished_is_never_blank"), transaction.atomic():
        Message.objects.filter(pk=place.reply_id).update(status="complete", finished_at=NOON)


@pytest.mark.parametrize(
    ("columns", "promise"),
    [
        ({"status": "complete", "text": "x"}, "message_finished_has_its_moment"),
        ({"finished_at": NOON}, "message_finished_has_its_moment"),
        ({"status": "streaming"}, "message_streaming_has_a_lease"),
        ({"token": uuid4()}, "message_not_streaming_has_no_token"),
    ],
)
def test_the_database_keeps_the_machine(alice, columns, promise):
    place = says(alice)
    with pytest.raises(IntegrityError, match=promise), transaction.atomic():
        Message.objects.filter(pk=place.reply_id).update(**columns)


def test_a_reply_that_nobody_works_on_is_stopped_at_once_and_twice_is_once(alice):
    place = says(alice)
    first = request_stop(alice, str(place.reply_id), now=NOON)
    again = request_stop(alice, str(place.reply_id), now=LATER)
    assert (first.status, first.reason, first.notice) == (
        "stopped",
        "client_stop",
        "Cancelled before it was answered.",
    )
    assert (again.finished_at, again.stop_requested_at) == (NOON, NOON)
    assert Event.objects.filter(transcript=first.transcript, kind="settled").count() == 1


def test_whoever_works_on_a_reply_is_asked_to_stop(alice, bob):
    place = says(alice)
    held = begins(place.reply_id)
    writes(held, "Half")
    asked = request_stop(alice, str(place.reply_id), now=LATER)
    assert (asked.status, asked.stop_requested_at) == ("streaming", LATER)
    assert request_stop(alice, str(place.reply_id), now=LATER + TTL).stop_requested_at == LATER
    for nobodys in ("0", "x", "9" * 30, ""):
        with pytest.raises(Problem, match="Message not found"):
            request_stop(alice, nobodys, now=LATER)
    with pytest.raises(Problem, match="Message not found"):
        request_stop(bob, str(place.reply_id), now=LATER)


def test_a_persons_words_cannot_be_stopped_and_it_is_said_why(alice):
    with pytest.raises(Problem, match="only a reply"):
        request_stop(alice, str(says(alice).message_id), now=LATER)


def test_a_stop_asked_for_while_it_parks_ends_it(alice):
    place = says(alice)
    held = begins(place.reply_id)
    asks(held)
    request_stop(alice, str(place.reply_id), now=NOON)
    park(held, now=LATER)
    done = reply_of(place)
    assert (done.status, done.reason) == ("stopped", "client_stop")
    assert not LiveStream.objects.exists()


def test_a_parked_reply_holds_nothing_and_goes_on_when_all_is_answered(alice):
    place = says(alice)
    held = begins(place.reply_id)
    approval = asks(held)
    park(held, now=LATER)
    assert not LiveStream.objects.exists()
    assert not Message.objects.ready().exists()
    assert not unpark(place.reply_id)
    with pytest.raises(LostRace):
        begins(place.reply_id, LATER)
    approvals.answer(approval.pk, alice, "allow", LATER)
    assert unpark(place.reply_id)
    assert not unpark(place.reply_id)
    assert [reply.pk for reply in Message.objects.ready()] == [place.reply_id]
    assert begins(place.reply_id, LATER).token != held.token
    assert reply_of(place).started_at == NOON


def test_a_question_is_withdrawn_with_the_reply_that_asked(alice):
    place = says(alice)
    held = begins(place.reply_id)
    approval = asks(held)
    park(held, now=LATER)
    request_stop(alice, str(place.reply_id), now=LATER)
    approval.refresh_from_db()
    assert approval.status == "withdrawn"
    assert reply_of(place).asks_since is None


def test_how_a_stream_went_is_recorded(alice):
    place = says(alice)
    held = begins(place.reply_id, LATER)
    ends(place.reply_id, held.token, LATER + timedelta(seconds=2))
    record = StreamRecord.objects.get()
    assert (record.key, record.reason) == (f"message:{place.reply_id}", "completed")
    assert (record.first_token_ms, record.overhead_ms, record.total_ms) == (
        640,
        20,
        7000,
    )  # from the sending on


def test_who_waits_behind_a_withdrawn_message_waits_for_the_one_before_it(alice):
    first = says(alice)
    claimed, here = begins(first.reply_id), str(first.conversation_id)
    second, third = says(alice, conversation_id=here), says(alice, conversation_id=here)
    request_stop(alice, str(second.reply_id), now=NOON + timedelta(seconds=10))
    ends(first.reply_id, claimed.token, now=NOON + timedelta(seconds=60))
    waiting = Message.objects.get(pk=third.reply_id)
    assert latency.since(waiting) == NOON + timedelta(seconds=60)


def test_what_its_worker_had_no_time_to_measure_is_in_the_log(alice):
    held = begins(says(alice).reply_id)
    writes(held, "Half", now=NOON + timedelta(milliseconds=640))
    end = replace(STOPPED, waited={"first_token_ms": None, "overhead_ms": 20})
    finalise(held.message_id, end, now=LATER, token=held.token)
    record = StreamRecord.objects.get()
    assert (record.first_token_ms, record.overhead_ms, record.total_ms) == (640, 20, 5000)


def test_a_conversation_knows_when_it_was_answered(alice):
    answer = converses(alice)
    conversation = Conversation.objects.get()
    assert (conversation.head_id, conversation.answered_at) == (answer.pk, NOON)
    assert accept(alice, Draft("More", conversation_id=str(conversation.pk)), now=LATER)
    assert {message.status for message in conversation.messages.all()} <= {*FINISHED, *UNFINISHED}
