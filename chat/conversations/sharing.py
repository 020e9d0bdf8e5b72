"""Links by which users of this installation read a conversation up to a message.

The address is signed with SECRET_KEY: it can be shown to the owner again at any time, and the database alone
is not enough to forge one. A changed SECRET_KEY revokes all links.
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from chat.errors import no_conversation, nothing_to_share
from chat.feed import feed
from chat.history.tree import Tree, load
from chat.models import Conversation, Message, Share
from chat.models.share import nonce
from chat.states import Role
from chat.transitions.accept import lock, number
from stagent.lib.log.audit_log import ADDITION, DELETION, record
from stagent.lib.problems import Problem, invalid

SALT = "chat.conversations.sharing"
TOKEN = re.compile(r"([1-9]\d{0,17})-([\w-]{43})", re.ASCII)


@dataclass(frozen=True)
class Shared:
    """A share and its messages."""

    share: Share
    messages: list[Message]


def share(owner: User, conversation_id: str, *, now: datetime, expires_at: datetime | None = None) -> Share:
    """Create the link to the finished part of the shown branch, or update the existing link to it."""
    if expires_at is not None and expires_at <= now:
        raise invalid({"expires_at": "This moment is in the past."})
    with transaction.atomic():
        conversation = lock(owner, conversation_id)
        head = _head(conversation)
        shown = {"head": head, "title": conversation.title, "shared_at": now, "expires_at": expires_at}
        made, is_new = Share.objects.get_or_create(conversation=conversation, defaults=shown)
        if not is_new:
            fresh = {} if made.expires_at is None or made.expires_at > now else {"nonce": nonce()}
            Share.objects.filter(pk=made.pk).update(**shown | fresh)  # an expired address stays invalid
            made.refresh_from_db()
        record(owner, made, ADDITION, f"Shared up to message {head.pk}.")
        feed.publish_changed(conversation, now)
    return made


def share_of(owner: User, conversation_id: str) -> Share:
    """Return the link to a conversation. Raises `Problem` if there is none."""
    found = Share.objects.of(owner).filter(conversation=number(conversation_id)).first()
    if found is None:
        raise _missing(owner, conversation_id)
    return found


def revoke(owner: User, conversation_id: str, *, now: datetime) -> None:
    """Revoke the link to a conversation for good; the next one has another address."""
    with transaction.atomic():
        lock(owner, conversation_id)
        end(share_of(owner, conversation_id), owner, now=now)


def end(share: Share, by: User, *, now: datetime) -> None:
    """Revoke a link for its owner or an operator, and notify the owner's pages."""
    with transaction.atomic():
        record(by, share, DELETION, "Revoked.")
        share.delete()
        feed.publish_changed(share.conversation, now)


def token_of(share: Share) -> str:
    """Return the last part of the link's address."""
    signed = salted_hmac(SALT, f"{share.pk}:{share.nonce}", algorithm="sha256").digest()
    return f"{share.pk}-{base64.urlsafe_b64encode(signed).decode().rstrip('=')}"


def find(token: str, now: datetime) -> Shared | None:
    """Return the share of a token; None if the token is invalid, expired or revoked."""
    matched = TOKEN.fullmatch(token)
    if matched is None:
        return None
    found = Share.objects.open(now).select_related("conversation__owner").filter(pk=int(matched[1])).first()
    if found is None or not constant_time_compare(token_of(found), token):
        return None
    return Shared(found, load(Tree.of(found.conversation_id).branch(found.head_id)))


def length(share: Share) -> int:
    """Return the number of messages that a link shows."""
    return len(Tree.of(share.conversation_id).branch(share.head_id))


def _head(conversation: Conversation) -> Message:
    """Return the last finished reply before any unfinished message."""
    whole = list(_finished(load(Tree.of(conversation.pk).branch(conversation.head_id))))
    while whole and whole[-1].role == Role.USER:
        whole.pop()
    if not whole:
        raise nothing_to_share()
    return whole[-1]


def _finished(branch: list[Message]) -> Iterator[Message]:
    for message in branch:
        if not message.finished:
            return
        yield message


def _missing(owner: User, conversation_id: str) -> Problem:
    owned = Conversation.objects.of(owner).filter(pk=number(conversation_id))
    if not owned.exists():
        return no_conversation()
    return Problem(404, "share_not_found", "This conversation has no link.")
