"""Every pair of states that is no arrow is tried and refused: replies."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from django.contrib.auth.models import User

from agents.models import Approval, Event, LedgerEntry, LiveStream, StreamRecord, Transcript
from agents.states import ApprovalStatus
from chat.models import Message
from chat.states import ARROWS, FINISHED, MessageStatus
from chat.transitions import Claim, End, claim, finalise, park, renew, request_stop, unpark
from tests.support.arrows import attempt, picture, targets
from tests.support.builders import NOON
from tests.support.talking import TTL, asks, begins, says, writes

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(seconds=5)
KEPT = (Message, Transcript, Event, Approval, LedgerEntry, LiveStream, StreamRecord)

type Held = Claim


def _streaming(owner: User) -> Held:
    held = begins(says(owner).reply_id)
    writes(held, "Said.")
    return held


def _parked(owner: User, answered: bool) -> Held:
    held = _streaming(owner)
    asks(held)
    park(held, now=NOON)
    if answered:
        Approval.objects.update(status=ApprovalStatus.ALLOWED, answered_at=NOON)
    return held


def _pending(owner: User) -> Held:
    """One that has been worked on before, so that somebody still has a token of it."""
    held = _streaming(owner)
    park(held, now=NOON)
    return held


def _ended(status: MessageStatus, owner: User) -> Held:
    held = _streaming(owner)
    finalise(held.message_id, End(status), now=NOON, token=held.token)
    return held


STATES: dict[str, Callable[[User], Held]] = {
    "pending": _pending,
    "pending, asking": partial(_parked, answered=False),
    "pending, answered": partial(_parked, answered=True),
    "streaming": _streaming,
    **{status: partial(_ended, status) for status in FINISHED},
}


def _claim(held: Held, owner: User) -> None:
    reply = Message.objects.select_related("conversation", "profile").get(pk=held.message_id)
    claim(reply, holder="another", now=LATER, ttl=TTL)


def _finalise(status: MessageStatus, with_token: bool, held: Held, owner: User) -> None:
    token: UUID | None = held.token if with_token else None
    finalise(held.message_id, End(status), now=LATER, token=token)


ACTS: dict[tuple[str, str, str], Callable[[Held, User], object]] = {
    ("claim", "", ""): _claim,
    ("park", "", ""): lambda held, _: park(held, now=LATER),
    **{
        ("finalise", status, who): partial(_finalise, status, who == "its holder")
        for status in MessageStatus
        for who in ("its holder", "nobody")
    },
}
HOLDS: dict[str, Callable[[Held, User], object]] = {
    "unpark": lambda held, _: unpark(held.message_id),
    "renew": lambda held, _: renew([held.token], LATER, TTL),
}


def expected(state: str, name: str, wanted: str, who: str) -> set[str]:
    before = state.partition(",")[0]
    if who and (who == "its holder") != (before == "streaming"):
        return set()  # nobody holds what is pending, and nobody else may end what is held
    if name == "claim" and state != "pending":
        return set()  # it waits for a person, or is worked on
    return targets(ARROWS, before, name, wanted)


@pytest.mark.parametrize("act", ACTS, ids=lambda act: " ".join(filter(None, act)))
@pytest.mark.parametrize("state", STATES)
def test_a_reply_takes_its_arrows_and_no_other_way(
    alice: User, state: str, act: tuple[str, str, str]
) -> None:
    held = STATES[state](alice)
    before = picture(*KEPT)
    attempt(lambda: ACTS[act](held, alice))
    if ends := expected(state, *act):
        assert Message.objects.get(pk=held.message_id).status in ends
    else:
        assert picture(*KEPT) == before


@pytest.mark.parametrize("name", HOLDS)
@pytest.mark.parametrize("state", STATES)
def test_what_holds_a_reply_leaves_its_state_alone(alice: User, state: str, name: str) -> None:
    held = STATES[state](alice)
    status, before = Message.objects.get(pk=held.message_id).status, picture(*KEPT)
    attempt(lambda: HOLDS[name](held, alice))
    assert Message.objects.get(pk=held.message_id).status == status
    touched = (state, name) in {("streaming", "renew"), ("pending, answered", "unpark")}
    assert touched or picture(*KEPT) == before


@pytest.mark.parametrize("state", STATES)
def test_a_stop_ends_what_nobody_works_on_and_asks_whoever_does(alice: User, state: str) -> None:
    held = STATES[state](alice)
    status = Message.objects.get(pk=held.message_id).status
    request_stop(alice, str(held.message_id), now=LATER)
    stopped = Message.objects.get(pk=held.message_id)
    assert stopped.status == (MessageStatus.STOPPED if status == MessageStatus.PENDING else status)
    assert (stopped.stop_requested_at is None) == (status in FINISHED)


def test_every_arrow_of_a_reply_begins_in_a_state_that_is_tried() -> None:
    tried = {(state.partition(",")[0], name) for state in STATES for name, *_ in ACTS}
    assert {(begin, name) for begin, _, name in ARROWS if begin} <= tried
    assert set(STATES) >= set(MessageStatus)
