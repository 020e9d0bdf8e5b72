"""Finds conversations and messages of a user by id. Those of other users give 404."""

from typing import cast

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef
from django.http import HttpRequest

from agents.models import Approval
from chat.errors import no_conversation, no_message
from chat.models import Conversation, Message, Share
from chat.models.conversation import ConversationQuerySet
from chat.transitions.accept import number
from chat.worker.reconcile import finalise_stale
from stagent.lib import clock


def current_user(request: HttpRequest) -> User:
    """Return the user of an authenticated request."""
    return cast(User, request.user)


def conversations(owner: User) -> ConversationQuerySet:
    """Return a user's conversations with the columns that `ConversationRow` needs."""
    return with_rows(Conversation.objects.of(owner))


def with_rows(found: ConversationQuerySet) -> ConversationQuerySet:
    """Add the columns that `ConversationRow` needs."""
    live = Message.objects.unfinished().filter(conversation=OuterRef("pk"))
    asks = live.filter(pk__in=Approval.objects.open().filter(message_id__isnull=False).values("message_id"))
    return found.select_related("profile").annotate(
        live=Exists(live), asks=Exists(asks), shared=Exists(Share.objects.filter(conversation=OuterRef("pk")))
    )


def conversation(owner: User, conversation_id: str) -> Conversation:
    found = conversations(owner).filter(pk=number(conversation_id)).first()
    if found is None:
        raise no_conversation()
    return found


def opened(owner: User, conversation_id: str) -> Conversation:
    """Return a conversation, after finalising its replies whose worker is gone."""
    found = conversation(owner, conversation_id)
    if found.live and finalise_stale(clock.now(), found.pk):  # type: ignore[attr-defined]
        return conversation(owner, conversation_id)
    return found


def message(owner: User, message_id: str) -> Message:
    owned = Message.objects.of(owner).select_related("conversation", "profile", "transcript")
    found = owned.filter(pk=number(message_id)).first()
    if found is None:
        raise no_message()
    return found
