"""Finds where a client continues after the positions it has seen, or that it needs a snapshot."""

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
    """Where a socket continues in a reply's log; with a snapshot if it has missed too much."""

    log: int
    message_id: int
    seen: int
    snapshot: Frame | None = None


def feed_cursor(owner: User) -> tuple[int, int]:
    """Return the log of a user's feed and its last `seq`."""
    log = feed.feed_of(owner.pk).transcript
    log.refresh_from_db(fields=["last_seq"])
    return log.pk, log.last_seq


def is_stored(log: int, seen: int) -> bool:
    """Return whether the feed event after `seen` is still stored; old ones are deleted."""
    return Event.objects.filter(transcript_id=log, seq=seen + 1).exists()


def cursors(owner: User, positions: Mapping[Any, int]) -> list[Cursor]:
    """Return cursors for the replies in `positions`, and for all unfinished ones."""
    seen = {number(key): value for key, value in list(positions.items())[:MOST_POSITIONS]}
    replies = Message.objects.of(owner).replies().filter(run_id=None, transcript__isnull=False)
    named = replies.filter(pk__in=seen)
    live = replies.unfinished().exclude(pk__in=seen)
    found = ((reply, seen.get(reply.pk, 0)) for reply in [*_read(named), *_read(live)])
    return [_cursor(reply, last) for reply, last in found if not _is_over(reply, last)]


def resume(message_id: int) -> Cursor | None:
    """Return a cursor with a snapshot, for a client that was too slow."""
    reply = Message.objects.select_related("transcript").filter(pk=message_id).first()
    return _snapshot(reply) if reply and reply.transcript else None


def _read(replies: Any) -> list[Message]:
    return list(replies.select_related("transcript"))


def _is_over(reply: Message, seen: int) -> bool:
    """Return whether the client has seen all of a finished reply."""
    assert reply.transcript is not None
    return reply.finished and reply.transcript.last_seq == seen


def _cursor(reply: Message, seen: int) -> Cursor:
    assert reply.transcript is not None
    last = reply.transcript.last_seq
    if seen > last or last - seen > MOST_BACKLOG:
        return _snapshot(reply)
    return Cursor(reply.transcript.pk, reply.pk, seen)


def _snapshot(reply: Message) -> Cursor:
    """Return a reply as of its last event; a finished one as of the event before, so `final` follows."""
    assert reply.transcript is not None
    last = reply.transcript.last_seq - (1 if reply.finished else 0)
    parts = parts_in(reply.transcript.pk, upto=last)
    status = "streaming" if reply.finished else reply.status
    frame = snapshot(reply.pk, last, text_of(parts), status)
    calls = calls_of([reply]).get(reply.transcript.pk, [])
    inside = {"parts": [part.shown() for part in parts], "tools": [asdict(call) for call in calls]}
    return Cursor(reply.transcript.pk, reply.pk, last, frame | inside)
