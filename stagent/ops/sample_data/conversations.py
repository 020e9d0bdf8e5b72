"""A month of chat: conversations of one user, replies with logs and stream records."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count
from random import Random
from typing import NamedTuple

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User

from agents.models import Event, StreamRecord, Transcript
from chat.feed.events import Finalised, Started
from chat.models import Conversation, Message
from chat.states import MessageStatus, Reason, Role
from stagent.ops.sample_data.bulk_copy import Values, copy_all, numbers
from stagent.ops.sample_data.schedules import ABOUT, WORK

MONTH = timedelta(days=30)
MINUTE = timedelta(minutes=1)
LONGEST = 50  # one part in so many of all messages is in one conversation
SENTENCES = (
    "The {about} of this week are as they were.", "Two {about} came late, and nobody had asked for them.",
    "A {work} of {about} is due on Monday.", "What changed in {about} is not in the {work} yet.",
    "Compared with the month before, {about} took half as long.", "See `{about}/{work}.md` for the figures.",
)  # fmt: skip


class SampleMessage(NamedTuple):
    """A row of the messages."""

    id: int
    conversation_id: int
    parent_id: int | None
    role: str
    text: str
    created_at: datetime
    finished_at: datetime
    reason: str = ""
    transcript_id: int | None = None


def fill_conversations(conversations: int, messages: int, now: datetime, dice: Random) -> None:
    """Write conversations, the first one the longest, the last one the latest."""
    lengths = _lengths(conversations, messages)
    ids, said = numbers(Conversation), numbers(Message)
    firsts = [(next(ids), [next(said) for _ in range(length)]) for length in lengths]
    gap = MONTH / (len(firsts) + 1)
    begins = [now - MONTH + gap * number for number in range(1, len(firsts) + 1)]
    _conversations(firsts, begins, _owner())
    logs = numbers(Transcript)
    rows = [
        row
        for (number, mine), begun in zip(firsts, begins, strict=True)
        for row in _messages(number, mine, begun, min(MINUTE, gap / len(mine)), logs, dice)
    ]
    replies = [row for row in rows if row.role == Role.ASSISTANT]
    copy_all(
        Transcript, ("id", "last_seq", "created_at"), ((r.transcript_id, 3, r.created_at) for r in replies)
    )
    copy_all(Message, SampleMessage._fields, rows, {"status": MessageStatus.COMPLETE, "model": "offline"})
    copy_all(
        Event, ("transcript_id", "seq", "kind", "data", "at"), (row for said in replies for row in _log(said))
    )
    copy_all(StreamRecord, STREAM, (_stream(reply, dice) for reply in replies), {"reason": Reason.COMPLETED})
    # The heads last: a conversation names its newest message, which names it.
    heads = [Conversation(pk=number, head_id=mine[-1]) for number, mine in firsts]
    Conversation.objects.bulk_update(heads, ["head"], batch_size=300)


def _lengths(conversations: int, messages: int) -> list[int]:
    """Distribute the messages: an even number for each, at least two."""
    long = max(2, messages // LONGEST // 2 * 2)
    rest = max(1, conversations - 1)
    each = max(2, (messages - long) // rest // 2 * 2)
    return [long, *[each] * rest][:conversations]


def _owner() -> User:
    """Return the first administrator, or a user who cannot sign in."""
    people = get_user_model().objects
    owner = people.filter(is_superuser=True, is_active=True).order_by("pk").first()
    return owner or people.get_or_create(username="filled")[0]


def _conversations(firsts: list[tuple[int, list[int]]], begins: list[datetime], owner: User) -> None:
    rows = (
        (number, f"{WORK[number % 10]} of {ABOUT[number // 10 % 10]}", begun, begun, begun, begun)
        for (number, _), begun in zip(firsts, begins, strict=True)
    )
    columns = ("id", "title", "created_at", "active_at", "answered_at", "read_at")
    copy_all(Conversation, columns, rows, {"owner_id": owner.pk})


def _messages(
    conversation: int, ids: list[int], begun: datetime, apart: timedelta, logs: "count[int]", dice: Random
) -> Iterator[SampleMessage]:
    """Alternate questions and answers, each a child of the one before."""
    parent: int | None = None
    for place, number in enumerate(ids):
        at = begun + apart * place
        if place % 2:
            text = "\n\n".join(_sentence(dice) for _ in range(8))
            log = next(logs)
            yield SampleMessage(
                number, conversation, parent, Role.ASSISTANT, text, at, at + apart, Reason.COMPLETED, log
            )
        else:
            yield SampleMessage(number, conversation, parent, Role.USER, _sentence(dice), at, at)
        parent = number


def _sentence(dice: Random) -> str:
    return dice.choice(SENTENCES).format(about=dice.choice(ABOUT), work=dice.choice(WORK).lower())


def _log(reply: SampleMessage) -> Iterator[Values]:
    digest = sha256(reply.text.encode()).hexdigest()
    begun = Started(model="offline", profile="assistant")
    ended = Finalised(MessageStatus.COMPLETE, Reason.COMPLETED, "", digest, len(reply.text))
    yield reply.transcript_id, 1, begun.kind, begun.data(), reply.created_at
    yield reply.transcript_id, 2, "text_delta", {"turn": 1, "text": reply.text}, reply.created_at
    yield reply.transcript_id, 3, ended.kind, ended.data(), reply.finished_at


STREAM = ("key", "started_at", "ended_at", "first_token_ms", "overhead_ms", "total_ms")


def _stream(reply: SampleMessage, dice: Random) -> Values:
    first, total = dice.randrange(200, 3_000), dice.randrange(3_000, 40_000)
    ended = reply.created_at + timedelta(milliseconds=total)
    return f"message:{reply.id}", reply.created_at, ended, first, first // 100, total
