"""Stores a user's message and its pending reply in one transaction, once for each `client_msg_id`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, cast

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from agents.models import Profile
from agents.transcripts import transcript
from chat import conf
from chat.errors import no_conversation, no_message, still_answering, too_many_waiting
from chat.feed import feed
from chat.feed.broadcast import notify_worker
from chat.models import Conversation, Message
from chat.models.conversation import LONGEST_MODEL
from chat.states import FEED_MESSAGE, MessageStatus, Role
from chat.transitions.attach import attach, attachments_to_attach
from stagent.lib.db.prepared import Param, Select
from stagent.lib.names import clean_name
from stagent.lib.problems import invalid
from stagent.lib.text import clip, is_blank, shorten, to_storable, too_long

TITLE_CHARS = 80
ROOT = "root"  # in place of a parent id: a new first message
DEFAULT_PROFILE = "assistant"
MOST_NAMED = 20  # profiles in the error about an unknown one
MOST_DIGITS = 18  # of an id; Python refuses to read thousands


@dataclass(frozen=True)
class Accepted:
    """The ids of a stored message and its reply."""

    conversation_id: int
    message_id: int
    reply_id: int
    client_msg_id: str | None = None
    duplicate: bool = False


@dataclass(frozen=True)
class Draft:
    """A message as the client sent it."""

    text: str
    client_msg_id: str | None = None
    conversation_id: str | None = None  # None: a new conversation
    parent_id: str | None = None  # None: the end of the branch that is shown
    model: str | None = None
    profile: str | None = None  # slug
    attachments: Sequence[str] = ()  # ids of files


def accept(owner: User, draft: Draft, *, now: datetime) -> Accepted:
    """Store a message and its pending reply. The same `client_msg_id` again returns the first result."""
    if first := _first(owner, draft.client_msg_id):
        return first
    text = _checked(draft)
    try:
        with transaction.atomic(), feed.batched():
            return _accept(owner, draft, text, now)
    except IntegrityError:  # the same message, sent twice at once
        if first := _first(owner, draft.client_msg_id):
            return first
        raise


def ask_again(owner: User, message_id: str, *, now: datetime) -> Accepted:
    """Create another reply to the same message, as a sibling of the earlier ones.

    An unfinished reply of the same profile and model is returned instead of a second one.
    """
    with transaction.atomic(), feed.batched():
        message = Message.objects.of(owner).filter(pk=number(message_id)).first()
        if message is None:
            raise no_message()
        if not message.finished:
            raise still_answering()
        asked = message if message.role == Role.USER else message.parent
        if asked is None or asked.role != Role.USER:
            raise invalid({"message_id": "Only a user's message or a reply to one can be retried."})
        conversation = _lock_for_reply(owner, message.conversation_id)
        before = message if message.role == Role.ASSISTANT else conversation
        profile = before.profile or conversation.profile
        underway = asked.children.replies().unfinished().filter(profile=profile, model=before.model)
        if reply_id := underway.order_by("pk").values_list("pk", flat=True).first():
            return Accepted(conversation.pk, asked.pk, reply_id, duplicate=True)
        reply = _create_reply(conversation, asked, profile, before.model, now)
        _move_head(conversation, reply, now)
        return Accepted(conversation.pk, asked.pk, reply.pk)


def number(identifier: str | int | None) -> int:
    """Parse an id; 0, which no row has, if it is invalid."""
    text = str(identifier or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS else 0


def _checked(draft: Draft) -> str:
    text: str = to_storable(draft.text)
    if is_blank(text) and not draft.attachments:
        raise invalid({"text": "Write a message or attach a file."})
    longest = {"text": (text, conf.MAX_TEXT_CHARS), "model": (draft.model or "", LONGEST_MODEL)}
    if faults := {name: fault for name, value in longest.items() if (fault := too_long(*value))}:
        raise invalid(faults)
    if draft.client_msg_id is not None and not 1 <= len(draft.client_msg_id) <= 100:
        raise invalid({"client_msg_id": "Must have between 1 and 100 characters."})
    return "" if is_blank(text) else text  # text is optional with a file


def _first(owner: User, client_msg_id: str | None) -> Accepted | None:
    if client_msg_id is None:
        return None
    message = BY_CLIENT_ID.first(author=owner.pk, key=client_msg_id)
    if message is None:
        return None
    reply = message.children.replies().order_by("pk").values_list("pk", flat=True).first()
    return Accepted(message.conversation_id, message.pk, reply or 0, client_msg_id, duplicate=True)


BY_CLIENT_ID = Select(
    Message.objects.filter(
        author=cast(Any, Param("author", Message.author)),
        client_msg_id=cast(Any, Param("key", Message.client_msg_id)),
    ).order_by()
)


def _accept(owner: User, draft: Draft, text: str, now: datetime) -> Accepted:
    profile = profile_of(draft.profile)
    if draft.conversation_id is None:
        conversation = begin(owner, now, profile=profile, model=draft.model or "")
    else:
        conversation = _lock_for_reply(owner, draft.conversation_id)
    _set_choice(conversation, profile, draft.model)
    files = attachments_to_attach(owner, draft.attachments)
    names = "\n".join(each.name for each in files)
    message = Message.objects.create(
        conversation=conversation,
        parent_id=_parent(conversation, draft.parent_id),
        role=Role.USER,
        status=MessageStatus.COMPLETE,
        text=text,
        files=names,
        author=owner,
        client_msg_id=draft.client_msg_id,
        created_at=now,
        finished_at=now,
    )
    attach(message, files, now)
    _title(conversation, text or names)
    feed.publish_event(FEED_MESSAGE, message, now)
    reply = _create_reply(conversation, message, conversation.profile, conversation.model, now)
    _move_head(conversation, reply, now)
    return Accepted(conversation.pk, message.pk, reply.pk, draft.client_msg_id)


def begin(
    owner: User, now: datetime, *, title: str = "", profile: Profile | None = None, model: str = ""
) -> Conversation:
    conversation = Conversation.objects.create(
        owner=owner,
        title=title,
        titled_by_hand=bool(title),
        profile=profile or Profile.objects.filter(slug=DEFAULT_PROFILE).first(),
        model=model,
        created_at=now,
        active_at=now,
    )
    feed.publish_changed(conversation, now)
    return conversation


def profile_of(slug: str | None) -> Profile | None:
    """Return the profile with this slug; None without a slug. Raises `Problem` for an unknown one."""
    found = Profile.objects.filter(slug=slug).first() if slug else None
    if slug and found is None:
        known = ", ".join(Profile.objects.values_list("slug", flat=True)[:MOST_NAMED]) or "none"
        raise invalid({"profile": f"There is no profile {clip(slug, 80)!r}. There are: {known}."})
    return found


def lock(owner: User, conversation_id: str | int) -> Conversation:
    """Lock a conversation of the owner for this transaction. Raises `Problem` if it does not exist."""
    owned = Conversation.objects.of(owner).select_for_update(of=("self",)).select_related("profile")
    found = owned.filter(pk=number(conversation_id)).first()
    if found is None:
        raise no_conversation()
    return found


def _lock_for_reply(owner: User, conversation_id: str | int) -> Conversation:
    """Lock a conversation for a new reply. Raises `Problem` if too many replies are queued."""
    found = lock(owner, conversation_id)
    if found.messages.unfinished().count() >= conf.MAX_QUEUED:
        raise too_many_waiting(conf.MAX_QUEUED)
    return found


def _set_choice(conversation: Conversation, profile: Profile | None, model: str | None) -> None:
    """Set the profile and model that the user picked, for this and later replies."""
    if profile is not None:
        conversation.profile = profile
    if model is not None:
        conversation.model = model


def _parent(conversation: Conversation, parent_id: str | None) -> int | None:
    if parent_id is None:
        return conversation.head_id
    if parent_id == ROOT:
        return None
    found = conversation.messages.filter(pk=number(parent_id)).values_list("pk", flat=True).first()
    if found is None:
        raise no_message()
    return found


def _title(conversation: Conversation, text: str) -> None:
    if not conversation.title:
        conversation.title = clean_name(shorten(text, TITLE_CHARS))


def _create_reply(
    conversation: Conversation, asked: Message, profile: Profile | None, model: str, now: datetime
) -> Message:
    reply = Message.objects.create(
        conversation=conversation,
        parent=asked,
        role=Role.ASSISTANT,
        profile=profile,
        model=model,
        transcript=transcript.open_transcript(None),
        created_at=now,
    )
    feed.publish_event(FEED_MESSAGE, reply, now)
    transaction.on_commit(partial(notify_worker, conversation.owner_id), robust=True)
    return reply


def _move_head(conversation: Conversation, head: Message, now: datetime) -> None:
    conversation.head, conversation.active_at, conversation.read_at = head, now, now
    conversation.archived_at = None
    conversation.save(
        update_fields=["head", "active_at", "read_at", "archived_at", "title", "profile", "model"]
    )
    feed.publish_changed(conversation, now)
