"""A client says what it has seen; here is found from where it goes on, or that it needs a snapshot."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.contrib.auth.models import User

from agents.models import Event
from chat.feed import feed
from chat.feed.frames import Frame, snapshot
from chat.history.parts import parts_in, text_of
from chat.history.tool_calls import calls_of
from chat.models import Message
from chat.realtime.subscriptions import MOST_BACKLOG
from chat.transitions.accept import number

MOST_POSITIONS = 500


@dataclass(frozen=True)
class Cursor:
    """From where a socket follows a reply; with a snapshot where what it missed is too much."""

    log: int
    message_id: int
    seen: int
    snapshot: Frame | None = None


def feed_cursor(owner: User) -> tuple[int, int]:
    """Return the log of a person's feed and its last number."""
    log = feed.feed_of(owner.pk).transcript
    log.refresh_from_db(fields=["last_seq"])
    return log.pk, log.last_seq


def is_kept(log: int, seen: int) -> bool:
    """Tell whether the news after this number is there still; old news is thrown away."""
    return Event.objects.filter(transcript_id=log, seq=seen + 1).exists()


def cursors(owner: User, positions: Mapping[Any, int]) -> list[Cursor]:
    """Return where to go on with the replies that were named, and with all that are not finished."""
    seen = {number(key): value for key, value in list(positions.items())[:MOST_POSITIONS]}
    mine = Message.objects.of(owner).replies().filter(run_id=None, transcript__isnull=False)
    named = mine.filter(pk__in=seen)
    live = mine.unfinished().exclude(pk__in=seen)
    found = ((reply, seen.get(reply.pk, 0)) for reply in [*_read(named), *_read(live)])
    return [_place(reply, last) for reply, last in found if not _is_over(reply, last)]


def resume(message_id: int) -> Cursor | None:
    """Return a snapshot for a client that was too slow."""
    reply = Message.objects.select_related("transcript").filter(pk=message_id).first()
    return _snapshot(reply) if reply and reply.transcript else None


def _read(replies: Any) -> list[Message]:
    return list(replies.select_related("transcript"))


def _is_over(reply: Message, seen: int) -> bool:
    """Tell whether all was seen of a reply that has ended: there is nothing to follow."""
    assert reply.transcript is not None
    return reply.finished and reply.transcript.last_seq == seen


def _place(reply: Message, seen: int) -> Cursor:
    assert reply.transcript is not None
    last = reply.transcript.last_seq
    if seen > last or last - seen > MOST_BACKLOG:
        return _snapshot(reply)
    return Cursor(reply.transcript.pk, reply.pk, seen)


def _snapshot(reply: Message) -> Cursor:
    """Show a reply as it was at its last event, the one before the end at most: the end is told by itself."""
    assert reply.transcript is not None
    last = reply.transcript.last_seq - (1 if reply.finished else 0)
    parts = parts_in(reply.transcript.pk, upto=last)
    status = "streaming" if reply.finished else reply.status
    frame = snapshot(reply.pk, last, text_of(parts), status)
    calls = calls_of([reply]).get(reply.transcript.pk, [])
    inside = {"parts": [part.shown() for part in parts], "tools": [asdict(call) for call in calls]}
    return Cursor(reply.transcript.pk, reply.pk, last, frame | inside)
