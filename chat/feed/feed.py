"""A user's feed: an event for every change in their conversations, in order, read by all their open pages."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.db import transaction

from agents.transcripts import transcript
from chat.feed.broadcast import publish
from chat.feed.events import FeedEvent
from chat.models import Conversation, Feed, Message
from chat.states import FEED_CONVERSATION
from stagent.lib.db.prepared import Param, Select

_pending: ContextVar[dict[tuple[int, datetime], list[FeedEvent]] | None] = ContextVar(
    "pending feed events", default=None
)


def feed_of(owner_id: int) -> Feed:
    """Return a user's feed; create it if there is none."""
    return FEED.first(owner_id=owner_id) or _create(owner_id)


FEED = Select(Feed.objects.filter(owner_id=Param("owner_id", Feed.owner)))


def publish_event(what: str, message: Message, now: datetime) -> None:
    """Publish that a message is new or changed. Call it in the transaction of the change."""
    log = None if message.finished else message.transcript_id  # a finished message has nothing to follow
    _publish(message.conversation.owner_id, now, what, message.conversation_id, message.pk, log)


def publish_changed(conversation: Conversation, now: datetime) -> None:
    """Publish that a conversation is new or changed. Call it in the transaction of the change."""
    _publish(conversation.owner_id, now, FEED_CONVERSATION, conversation.pk)


@contextmanager
def batched() -> Iterator[None]:
    """Collect the events published inside, and write them together at the end, in the same transaction."""
    pending: dict[tuple[int, datetime], list[FeedEvent]] = {}
    token = _pending.set(pending)
    try:
        yield
    finally:
        _pending.reset(token)
    for (owner_id, now), events in pending.items():
        _write(owner_id, now, events)


def _publish(owner_id: int, now: datetime, what: str, conversation_id: int, *more: int | None) -> None:
    event = FeedEvent(what, conversation_id, *more)
    pending = _pending.get()
    if pending is None:
        _write(owner_id, now, [event])
    else:
        pending.setdefault((owner_id, now), []).append(event)


def _write(owner_id: int, now: datetime, events: list[FeedEvent]) -> None:
    feed = feed_of(owner_id)
    transcript.append(feed.transcript_id, feed.token, events, now)
    transaction.on_commit(lambda: publish(owner_id), robust=True)


def _create(owner_id: int) -> Feed:
    with transaction.atomic():
        token = uuid.uuid4()
        log = transcript.open_transcript(token)
        feed, created = Feed.objects.get_or_create(
            owner_id=owner_id, defaults={"transcript": log, "token": token}
        )
        if not created:
            log.delete()
    return feed
