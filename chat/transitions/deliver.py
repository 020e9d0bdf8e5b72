"""Delivers a run's result as an unread message to the owner's conversation for the schedule."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from agents.models import Profile, Transcript
from chat.feed import feed
from chat.models import Conversation, Message
from chat.models.conversation import TITLE_CHARS
from chat.states import FEED_MESSAGE, MessageStatus, Reason, Role
from stagent.lib.text import is_blank, shorten, to_storable


@dataclass(frozen=True)
class Result:
    """The result of a run, for the owner of its schedule."""

    key: str  # idempotency key: one message for each
    owner_id: int
    schedule_id: int
    schedule_name: str
    text: str
    run_id: int | None = None
    transcript_id: int | None = None  # of the run: a reply continues from its event log
    profile: str = ""
    reason: str = Reason.COMPLETED
    card: dict[str, Any] = field(default_factory=dict)


def deliver(result: Result, *, now: datetime) -> Message | None:
    """Deliver a result once; None if the user is inactive or deleted."""
    owner = User.objects.filter(pk=result.owner_id, is_active=True).first()
    if owner is None:
        return None
    for _ in range(2):  # another process may have created the conversation or delivered the result
        with suppress(IntegrityError):
            return _deliver(owner, result, now)
        if found := Message.objects.filter(delivery_key=result.key).first():
            return found
    return _deliver(owner, result, now)


@transaction.atomic
def _deliver(owner: User, result: Result, now: datetime) -> Message:
    conversation = _conversation(owner, result, now)
    known = Transcript.objects.filter(pk=result.transcript_id or 0).values_list("pk", flat=True).first()
    message = Message.objects.create(
        conversation=conversation,
        parent_id=conversation.head_id,
        role=Role.ASSISTANT,
        status=MessageStatus.COMPLETE,
        reason=result.reason,
        text=to_storable(result.text),
        notice="The run finished without text." if is_blank(result.text) else "",
        profile=conversation.profile,
        transcript_id=known,
        run_id=result.run_id,
        schedule_id=result.schedule_id,
        delivery_key=result.key,
        card=result.card,
        created_at=now,
        finished_at=now,
    )
    conversation.head, conversation.active_at, conversation.answered_at = message, now, now
    conversation.archived_at = None
    conversation.save(update_fields=["head", "active_at", "answered_at", "archived_at"])
    feed.publish_event(FEED_MESSAGE, message, now)
    return message


def _conversation(owner: User, result: Result, now: datetime) -> Conversation:
    owned = Conversation.objects.of(owner).select_for_update(of=("self",)).select_related("profile")
    found = owned.filter(schedule_id=result.schedule_id).first()
    return found or Conversation.objects.create(
        owner=owner,
        schedule_id=result.schedule_id,
        title=shorten(result.schedule_name, TITLE_CHARS),
        profile=Profile.objects.filter(slug=result.profile).first(),
        created_at=now,
        active_at=now,
    )
