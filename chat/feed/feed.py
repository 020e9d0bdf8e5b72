"""A person's feed: every change in their conversations, in order, for all the pages they have open."""

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
from chat.states import NEWS_CONVERSATION
from stagent.lib.db.prepared import Param, Select

_pile: ContextVar[dict[tuple[int, datetime], list[FeedEvent]] | None] = ContextVar("news", default=None)


def feed_of(owner_id: int) -> Feed:
    """Return a person's feed, begun if there is none."""
    return FEED.first(owner_id=owner_id) or _begin(owner_id)


FEED = Select(Feed.objects.filter(owner_id=Param("owner_id", Feed.owner)))


def publish_event(what: str, message: Message, now: datetime) -> None:
    """Say that a message came or changed; belongs into the transaction of the change."""
    log = None if message.finished else message.transcript_id  # a finished one has nothing to follow
    _tell(message.conversation.owner_id, now, what, message.conversation_id, message.pk, log)


def publish_changed(conversation: Conversation, now: datetime) -> None:
    """Say that a conversation is new, renamed, read, put away or thrown away."""
    _tell(conversation.owner_id, now, NEWS_CONVERSATION, conversation.pk)


@contextmanager
def batched() -> Iterator[None]:
    """Write what is told meanwhile at once, at the end; belongs into the transaction of the changes."""
    pile: dict[tuple[int, datetime], list[FeedEvent]] = {}
    before = _pile.set(pile)
    try:
        yield
    finally:
        _pile.reset(before)
    for (owner_id, now), news in pile.items():
        _write(owner_id, now, news)


def _tell(owner_id: int, now: datetime, what: str, conversation_id: int, *more: int | None) -> None:
    news = FeedEvent(what, conversation_id, *more)
    pile = _pile.get()
    if pile is None:
        _write(owner_id, now, [news])
    else:
        pile.setdefault((owner_id, now), []).append(news)


def _write(owner_id: int, now: datetime, news: list[FeedEvent]) -> None:
    feed = feed_of(owner_id)
    transcript.append(feed.transcript_id, feed.token, news, now)
    transaction.on_commit(lambda: publish(owner_id), robust=True)


def _begin(owner_id: int) -> Feed:
    with transaction.atomic():
        token = uuid.uuid4()
        log = transcript.open_transcript(token)
        feed, made = Feed.objects.get_or_create(
            owner_id=owner_id, defaults={"transcript": log, "token": token}
        )
        if not made:
            log.delete()
    return feed
