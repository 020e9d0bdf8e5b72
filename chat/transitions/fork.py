"""Forks a conversation: a new one begins with a copy of the branch up to a message.

Only finished messages are copied, unchanged. A copy shares the event log of its original, so the model gets
the same history, tool calls and results included, and the ledger counts its cost once.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F

from chat.errors import no_message, still_answering
from chat.feed import feed
from chat.history.tree import Tree, load
from chat.models import Conversation, Message, MessageAttachment
from chat.models.conversation import TITLE_CHARS
from chat.transitions.accept import lock, number
from stagent.lib.problems import invalid
from stagent.lib.text import with_suffix

SUFFIX = " (fork)"
BATCH = 200  # rows
OWN_COLUMNS = {"id", "conversation", "parent"}  # a copy has its own values
UNIQUE_COLUMNS = {"client_msg_id", "delivery_key"}  # unique, so only the original has them


def fork(owner: User, conversation_id: str, message_id: str | None, *, now: datetime) -> Conversation:
    """Create a conversation from the branch up to a message; None: the whole branch that is shown.

    An earlier fork from the same message is returned if it has no new messages.
    """
    with transaction.atomic():
        origin = lock(owner, conversation_id)
        branch = _branch(origin, message_id)
        forks = Conversation.objects.of(owner).filter(forked_from=branch[-1])
        if untouched := forks.filter(active_at=F("created_at")).first():
            return untouched
        return _begin(origin, branch, now)


def _branch(origin: Conversation, message_id: str | None) -> list[Message]:
    """Return the messages to copy. Raises `Problem` unless all are finished."""
    tree = Tree.of(origin.pk)
    if message_id is not None and number(message_id) not in tree.nodes:
        raise no_message()
    branch = load(tree.branch(origin.head_id if message_id is None else number(message_id)))
    if not branch:
        raise invalid({"message_id": "This conversation has no messages yet."})
    if not all(message.finished for message in branch):
        raise still_answering()
    return branch


def _begin(origin: Conversation, branch: Sequence[Message], now: datetime) -> Conversation:
    made = Conversation.objects.create(
        owner_id=origin.owner_id,
        title=_title(origin.title),
        titled_by_hand=origin.titled_by_hand,
        profile_id=origin.profile_id,
        model=origin.model,
        folder=origin.folder,
        forked_from=branch[-1],
        created_at=now,
        active_at=now,
        read_at=now,
    )
    made.head = _copy(branch, made)[-1]
    made.save(update_fields=["head"])
    feed.publish_changed(made, now)
    return made


def _copy(branch: Sequence[Message], made: Conversation) -> list[Message]:
    excluded = OWN_COLUMNS | UNIQUE_COLUMNS
    columns = [field.attname for field in Message._meta.concrete_fields if field.name not in excluded]
    rows = [Message(conversation=made, **{name: getattr(each, name) for name in columns}) for each in branch]
    copies = Message.objects.bulk_create(rows, batch_size=BATCH)
    for before, after in pairwise(copies):
        after.parent = before
    Message.objects.bulk_update(copies[1:], ["parent"], batch_size=BATCH)
    _copy_files({each.pk: copy for each, copy in zip(branch, copies, strict=True) if each.files})
    return copies


def _copy_files(copies: Mapping[int, Message]) -> None:
    """Attach the files of messages to their copies."""
    if copies:
        MessageAttachment.objects.bulk_create(
            MessageAttachment(
                message=copies[row.message_id], attachment_id=row.attachment_id, position=row.position
            )
            for row in MessageAttachment.objects.filter(message__in=copies.keys())
        )


def _title(title: str) -> str:
    return with_suffix(title.removesuffix(SUFFIX) or "Conversation", SUFFIX, TITLE_CHARS)
