"""Changes, deletes and restores conversations for their owner, and notifies the owner's pages."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from chat.conf import RESTORABLE
from chat.errors import no_conversation, no_message
from chat.feed import feed
from chat.history.tree import Tree
from chat.models import Conversation
from chat.transitions import request_stop
from chat.transitions.accept import lock, number, profile_of
from stagent.lib.api.versions import ANY, ExpectedVersions, version_of
from stagent.lib.names import name_fault
from stagent.lib.problems import invalid
from stagent.lib.text import to_storable


@dataclass(frozen=True)
class Change:
    """The fields to change, as the client sent them."""

    given: dict[str, Any]

    def columns(self, conversation: Conversation, now: datetime) -> dict[str, Any]:
        """Return the columns to write. Raises `Problem` for an invalid value."""
        columns: dict[str, Any] = {}
        for name, value in self.given.items():
            columns |= CHANGES[name](conversation, value, now)
        return {name: value for name, value in columns.items() if getattr(conversation, name) != value}


def change(
    owner: User, conversation_id: str, asked: Change, *, now: datetime, expected: ExpectedVersions = ANY
) -> Conversation:
    """Change fields, all or nothing, if the version is as expected. Equal values publish no event."""
    with transaction.atomic():
        found = lock(owner, conversation_id)
        expected.require(version(found))
        columns = asked.columns(found, now)
        if columns:
            Conversation.objects.filter(pk=found.pk).update(**columns)
            feed.publish_changed(found, now)
    return found


def version(conversation: Conversation) -> str:
    """Return the ETag of a conversation: the version of the fields that PATCH changes."""
    return version_of(conversation, [COLUMNS.get(name, name) for name in CHANGES])


def trash(owner: User, conversation_id: str, *, now: datetime) -> None:
    """Delete a conversation and stop its replies; it can be restored for 30 days."""
    found = Conversation.objects.of(owner).filter(pk=number(conversation_id)).first()
    if found is None:
        raise no_conversation()
    for message_id in found.messages.unfinished().order_by("pk").values_list("pk", flat=True):
        request_stop(owner, str(message_id), now=now)
    with transaction.atomic():
        if Conversation.objects.of(owner).filter(pk=found.pk).update(deleted_at=now):
            feed.publish_changed(found, now)


def restore(owner: User, conversation_id: str, *, now: datetime) -> None:
    """Restore a conversation, without its schedule if that has another conversation meanwhile."""
    with transaction.atomic():
        deleted = Conversation.objects.filter(owner=owner, pk=number(conversation_id)).exclude(
            deleted_at__lt=now - RESTORABLE
        )
        found = deleted.select_for_update(of=("self",)).first()
        if found is None:
            raise no_conversation()
        if found.deleted_at is None:
            return
        newer = Conversation.objects.of(owner).filter(schedule_id=found.schedule_id)
        schedule_id = found.schedule_id if found.schedule_id and not newer.exists() else None
        deleted.update(deleted_at=None, schedule_id=schedule_id)
        feed.publish_changed(found, now)


def clean_name(field: str, typed: str) -> str:
    """Return a name as stored, on one line. Raises `Problem` for an invalid one."""
    words: str = to_storable(typed).strip()
    if fault := name_fault(words):
        raise invalid({field: fault})
    return " ".join(words.split())


def _title(conversation: Conversation, title: str, now: datetime) -> dict[str, Any]:
    return {"title": clean_name("title", title), "titled_by_hand": True}


def _folder(conversation: Conversation, name: str | None, now: datetime) -> dict[str, Any]:
    """Set the folder; an existing folder keeps its spelling."""
    words = clean_name("folder", name) if name and name.strip() else ""
    same = Conversation.objects.of(conversation.owner).filter(folder__iexact=words) if words else None
    known = same.values_list("folder", flat=True).first() if same is not None else None
    return {"folder": known or words}


def _archived(conversation: Conversation, value: bool, now: datetime) -> dict[str, Any]:
    return {"archived_at": (conversation.archived_at or now) if value else None}


def _read(conversation: Conversation, value: bool, now: datetime) -> dict[str, Any]:
    if not value:
        return {"read_at": None}
    answered = conversation.answered_at or now
    # The clock of the process that answered can be ahead.
    return {"read_at": max(now, answered)} if conversation.unread else {}


def _profile(conversation: Conversation, slug: str | None, now: datetime) -> dict[str, Any]:
    found = profile_of(slug)
    return {"profile_id": found.pk if found else None}


def _head(conversation: Conversation, message_id: str, now: datetime) -> dict[str, Any]:
    """Show the branch of a message, up to its latest message."""
    tree = Tree.of(conversation.pk)
    if number(message_id) not in tree.nodes:
        raise no_message()
    return {"head_id": tree.tip(number(message_id))}


CHANGES: dict[str, Callable[[Conversation, Any, datetime], dict[str, Any]]] = {
    "title": _title,
    "folder": _folder,
    "pinned": lambda conversation, value, now: {"pinned": value},
    "archived": _archived,
    "read": _read,
    "profile": _profile,
    "model": lambda conversation, model, now: {"model": model or ""},
    "head_id": _head,
}
COLUMNS = {"archived": "archived_at", "read": "read_at", "head_id": "head"}  # of fields with another name
