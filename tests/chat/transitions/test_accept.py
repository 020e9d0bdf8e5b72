"""A person's words come in: together with the place of their reply, once for each client id."""

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections

from agents.models import Event, Profile
from agents.transcripts import transcript
from chat import conf
from chat.feed import feed
from chat.models import Conversation, Message
from chat.states import MessageStatus
from chat.transitions import Draft, accept, ask_again, deliver, request_stop
from chat.transitions.deliver import Result
from stagent.lib.problems import Problem
from tests.support.builders import NOON, a_profile
from tests.support.talking import begins, converses, ends, says, writes

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(seconds=5)


def news_of(owner) -> list[tuple[str, int | None]]:
    rows = Event.objects.filter(transcript=feed.feed_of(owner.pk).transcript_id).order_by("seq")
    return [(row.data["what"], row.data["message_id"]) for row in rows]


def refusal(act, *arguments: Any, **more: Any) -> Problem:
    with pytest.raises(Problem) as refused:
        act(*arguments, now=NOON, **more)
    return refused.value


def test_words_are_stored_with_the_place_of_their_reply_and_everybody_hears_of_it(alice):
    place = says(alice, "  What\n failed?  ", client_msg_id="a")
    said, reply = Message.objects.order_by("pk")
    assert (said.text, said.status, said.author, said.parent) == (
        "  What\n failed?  ",
        "complete",
        alice,
        None,
    )
    assert (reply.text, reply.status, reply.parent, reply.profile.slug) == ("", "pending", said, "assistant")
    assert (place.message_id, place.reply_id, place.duplicate) == (said.pk, reply.pk, False)
    conversation = Conversation.objects.get()
    assert (conversation.title, conversation.head, conversation.read_at) == ("What failed?", reply, NOON)
    assert news_of(alice) == [
        ("conversation", None), ("message", said.pk), ("message", reply.pk), ("conversation", None),
    ]  # fmt: skip


def test_what_cannot_be_stored_whole_is_not_stored_at_all(alice, monkeypatch):
    monkeypatch.setattr(sys.modules["chat.transitions.accept"], "_move_head", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        says(alice)
    assert not Message.objects.exists()
    assert not Conversation.objects.exists()


def test_the_same_words_again_get_the_first_answer(alice, bob):
    first = says(alice, client_msg_id="a")
    again = says(alice, "Something else", LATER, client_msg_id="a", conversation_id="999")
    assert (again.message_id, again.reply_id, again.duplicate) == (first.message_id, first.reply_id, True)
    assert says(alice, " ", LATER, client_msg_id="a").reply_id == first.reply_id, "whatever comes with it"
    ask_again(alice, str(converses(alice).pk), now=LATER)
    assert says(bob, client_msg_id="a").message_id != first.message_id, "the ids of others are others"
    assert says(alice).message_id != says(alice).message_id, "without an id nothing is the same"


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (Draft(""), "text"),
        (Draft(" \n\t"), "text"),
        (Draft("x" * (conf.MAX_TEXT_CHARS + 1)), "text"),
        (Draft("x", profile="nobody"), "profile"),
        (Draft("x", model="m" * 121), "model"),
        (Draft("x", client_msg_id=""), "client_msg_id"),
        (Draft("x", client_msg_id="k" * 101), "client_msg_id"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(alice, draft, field):
    problem = refusal(accept, alice, draft)
    assert (problem.status, problem.code) == (422, "validation_error")
    assert list(problem.fields) == [field]
    assert not Message.objects.exists()


@pytest.mark.parametrize("name", ["conversation_id", "parent_id"])
@pytest.mark.parametrize("value", ["999", "x", "-1", "9" * 40, "", "1.5", "\0"])
def test_what_is_not_there_is_not_found(alice, name, value):
    converses(alice)
    here = {"conversation_id": str(Conversation.objects.get().pk)} | {name: value}
    assert refusal(accept, alice, Draft("x", **here)).status == 404
    assert Message.objects.count() == 2


def test_the_conversations_of_others_are_not_there(alice, bob):
    theirs = converses(bob)
    elsewhere = str(theirs.conversation_id)
    assert refusal(accept, alice, Draft("x", conversation_id=elsewhere)).code == "conversation_not_found"
    assert refusal(ask_again, alice, str(theirs.pk)).code == "message_not_found"
    mine = str(converses(alice).conversation_id)
    stolen = Draft("x", conversation_id=mine, parent_id=str(theirs.pk))
    assert refusal(accept, alice, stolen).code == "message_not_found"
    Conversation.objects.filter(owner=alice).update(deleted_at=NOON)
    assert refusal(accept, alice, Draft("x", conversation_id=mine)).code == "conversation_not_found"


def test_branches_begin_below_any_message_and_before_all_of_them(alice):
    first = converses(alice, "One")
    here = str(first.conversation_id)
    second = converses(alice, "Two", conversation_id=here)
    edited = says(alice, "Two, please", conversation_id=here, parent_id=str(first.pk))
    assert Message.objects.get(pk=edited.message_id).parent_id == second.parent.parent_id == first.pk
    anew = says(alice, "One, please", conversation_id=here, parent_id="root")
    assert Message.objects.get(pk=anew.message_id).parent_id is None
    assert Conversation.objects.get().head_id == anew.reply_id
    on = says(alice, "And?", conversation_id=here)
    assert Message.objects.get(pk=on.message_id).parent_id == anew.reply_id, (
        "the branch that is shown goes on"
    )


def test_what_was_picked_holds_until_something_else_is_picked(alice):
    a_profile("operator")
    first = says(alice, profile="operator", model="m-1")
    here = str(first.conversation_id)
    picked = [
        says(alice, conversation_id=here),
        says(alice, conversation_id=here, model="m-2"),
        says(alice, conversation_id=here, model=""),
    ]
    replies = Message.objects.filter(pk__in=[place.reply_id for place in (first, *picked)]).order_by("pk")
    assert [reply.model for reply in replies] == ["m-1", "m-1", "m-2", ""]
    assert {reply.profile.slug for reply in replies} == {"operator"}


def test_another_answer_is_asked_of_the_same_author(alice):
    answer = converses(alice, profile="assistant", model="m-1")
    here = str(answer.conversation_id)
    says(alice, conversation_id=here, model="m-2")
    again = Message.objects.get(pk=ask_again(alice, str(answer.pk), now=LATER).reply_id)
    assert (again.parent_id, again.model, again.status) == (answer.parent_id, "m-1", "pending")
    other = Message.objects.get(pk=ask_again(alice, str(answer.parent_id), now=LATER).reply_id)
    assert (other.parent_id, other.model) == (answer.parent_id, "m-2"), "for words: whoever is picked now"
    assert other.profile == Profile.objects.get(slug="assistant")
    assert Conversation.objects.get().head_id == other.pk


def test_another_answer_asked_for_twice_is_one_until_it_is_there(alice):
    answer = converses(alice)
    first = ask_again(alice, str(answer.pk), now=LATER)
    assert not first.duplicate
    for asked_of in (answer.pk, answer.parent_id):
        again = ask_again(alice, str(asked_of), now=LATER)
        assert (again.message_id, again.reply_id, again.duplicate) == (answer.parent_id, first.reply_id, True)
    ends(first.reply_id, begins(first.reply_id).token)
    assert ask_again(alice, str(answer.pk), now=LATER).reply_id != first.reply_id


def test_a_reply_that_is_not_finished_is_not_asked_for_again(alice):
    place = says(alice)
    assert refusal(ask_again, alice, str(place.reply_id)).code == "still_answering"
    begins(place.reply_id)
    assert refusal(ask_again, alice, str(place.reply_id)).status == 409


def ready() -> set[int]:
    return set(Message.objects.ready().values_list("pk", flat=True))


def test_a_second_message_waits_for_the_first_reply(alice):
    first = says(alice)
    second = says(alice, conversation_id=str(first.conversation_id))
    elsewhere = says(alice)
    assert ready() == {first.reply_id, elsewhere.reply_id}
    held = begins(first.reply_id)
    assert ready() == {elsewhere.reply_id}
    writes(held, "Done.")
    ends(first.reply_id, held.token)
    assert ready() == {second.reply_id, elsewhere.reply_id}


def test_what_waits_can_be_stopped_before_its_turn_and_nobody_behind_it_overtakes(alice):
    first = says(alice)
    second = says(alice, conversation_id=str(first.conversation_id))
    third = says(alice, conversation_id=str(first.conversation_id))
    request_stop(alice, str(second.reply_id), now=LATER)
    assert Message.objects.get(pk=second.reply_id).status == MessageStatus.STOPPED
    assert ready() == {first.reply_id}
    held = begins(first.reply_id)
    assert ready() == set()
    ends(first.reply_id, held.token)
    assert ready() == {third.reply_id}


def test_a_result_that_arrives_in_between_lets_nobody_overtake(alice):
    result = deliver(Result("run:1", alice.pk, 7, "Nightly", "Green."), now=NOON)
    first = says(alice, conversation_id=str(result.conversation_id))
    deliver(Result("run:2", alice.pk, 7, "Nightly", "Red."), now=LATER)
    second = says(alice, conversation_id=str(result.conversation_id))
    assert ready() == {first.reply_id}
    ends(first.reply_id, begins(first.reply_id).token)
    assert ready() == {second.reply_id}


def test_another_branch_waits_for_nobody(alice):
    first = says(alice)
    here = str(first.conversation_id)
    says(alice, conversation_id=here)
    edited = says(alice, conversation_id=here, parent_id="root")
    assert ready() == {first.reply_id, edited.reply_id}


def test_only_so_many_replies_wait_in_one_conversation(alice, monkeypatch):
    monkeypatch.setattr(conf, "MAX_QUEUED", 2)
    place = says(alice)
    here = str(place.conversation_id)
    says(alice, conversation_id=here)
    problem = refusal(accept, alice, Draft("x", conversation_id=here))
    assert (problem.status, problem.code, problem.headers) == (429, "too_many_waiting", {"Retry-After": "5"})
    assert says(alice)


def at_once(act: Callable[[int], Any], many: int = 4) -> list[Any]:
    """Do something in several threads at the same moment; return what each of them got."""
    start = threading.Barrier(many)

    def one(number: int) -> Any:
        start.wait(20)
        try:
            return act(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(many) as threads:
        return list(threads.map(one, range(many)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("begun", [True, False])
def test_the_same_words_sent_by_several_at_once_are_said_once(alice, begun):
    here = str(converses(alice).conversation_id) if begun else None
    before = Message.objects.count(), Conversation.objects.count()
    places = at_once(lambda _: says(alice, client_msg_id="a", conversation_id=here))
    assert len({(place.message_id, place.reply_id) for place in places}) == 1
    assert sorted(place.duplicate for place in places) == [False, True, True, True]
    assert (Message.objects.count(), Conversation.objects.count()) == (before[0] + 2, before[1] + (not begun))
    log = Event.objects.filter(transcript=feed.feed_of(alice.pk).transcript_id)
    assert list(log.order_by("seq").values_list("seq", flat=True)) == list(range(1, log.count() + 1))
    connection.close()


def test_results_are_delivered_once_and_nobody_follows_their_log(alice):
    log = transcript.open_transcript(None)
    result = Result("run:7", alice.pk, 3, "Nightly", "All is well.", run_id=7, transcript_id=log.pk)
    message = deliver(result, now=NOON)
    assert deliver(result, now=LATER).pk == message.pk
    (told,) = Event.objects.filter(transcript=feed.feed_of(alice.pk).transcript_id)
    assert (told.data["what"], told.data["transcript_id"]) == ("message", None)
    assert Conversation.objects.get().unread
    on = says(alice, conversation_id=str(message.conversation_id))
    assert Message.objects.get(pk=on.message_id).parent == message


@pytest.mark.django_db(transaction=True)
def test_results_that_come_at_once_share_one_new_conversation(alice):
    messages = at_once(
        lambda number: deliver(Result(f"run:{number // 2}", alice.pk, 3, "Nightly", "Well."), now=NOON)
    )
    assert len({message.pk for message in messages}) == 2
    assert Conversation.objects.get().messages.count() == 2
    connection.close()
