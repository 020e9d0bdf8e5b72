"""Links by which people of this install read a conversation: what was said up to a moment, and nothing else.

An address is signed with the install's key: the owner is shown it again at any time, and who reads the
database alone cannot make one. Another SECRET_KEY ends all of them.
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
    """What a reader is shown."""

    share: Share
    messages: list[Message]


def share(owner: User, conversation_id: str, *, now: datetime, expires_at: datetime | None = None) -> Share:
    """Make the link to what is shown and finished now; where there is one, it leads to this from now on."""
    if expires_at is not None and expires_at <= now:
        raise invalid({"expires_at": "That moment is past."})
    with transaction.atomic():
        conversation = lock(owner, conversation_id)
        head = _head(conversation)
        shown = {"head": head, "title": conversation.title, "shared_at": now, "expires_at": expires_at}
        made, is_new = Share.objects.get_or_create(conversation=conversation, defaults=shown)
        if not is_new:
            fresh = {} if made.expires_at is None or made.expires_at > now else {"nonce": nonce()}
            Share.objects.filter(pk=made.pk).update(**shown | fresh)  # what had ended stays ended
            made.refresh_from_db()
        record(owner, made, ADDITION, f"Shared up to message {head.pk}.")
        feed.publish_changed(conversation, now)
    return made


def share_of(owner: User, conversation_id: str) -> Share:
    """Return the link to a conversation; a Problem where there is none."""
    found = Share.objects.of(owner).filter(conversation=number(conversation_id)).first()
    if found is None:
        raise _missing(owner, conversation_id)
    return found


def revoke(owner: User, conversation_id: str, *, now: datetime) -> None:
    """End the link to a conversation for good; the next one has another address."""
    with transaction.atomic():
        lock(owner, conversation_id)
        end(share_of(owner, conversation_id), owner, now=now)


def end(share: Share, by: User, *, now: datetime) -> None:
    """End a link for its owner, or for an operator; its owner's open pages hear of it."""
    with transaction.atomic():
        record(by, share, DELETION, "Taken back.")
        share.delete()
        feed.publish_changed(share.conversation, now)


def token_of(share: Share) -> str:
    """Return what its address ends with."""
    signed = salted_hmac(SALT, f"{share.pk}:{share.nonce}", algorithm="sha256").digest()
    return f"{share.pk}-{base64.urlsafe_b64encode(signed).decode().rstrip('=')}"


def find(token: str, now: datetime) -> Shared | None:
    """Return what an address shows; None where it leads nowhere, or no longer."""
    matched = TOKEN.fullmatch(token)
    if matched is None:
        return None
    found = Share.objects.open(now).select_related("conversation__owner").filter(pk=int(matched[1])).first()
    if found is None or not constant_time_compare(token_of(found), token):
        return None
    return Shared(found, load(Tree.of(found.conversation_id).branch(found.head_id)))


def length(share: Share) -> int:
    """Return how many messages a link shows."""
    return len(Tree.of(share.conversation_id).branch(share.head_id))


def _head(conversation: Conversation) -> Message:
    """Return the last message of what is finished; words without an answer yet are left out."""
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
    mine = Conversation.objects.of(owner).filter(pk=number(conversation_id))
    if not mine.exists():
        return no_conversation()
    return Problem(404, "share_not_found", "There is no link to this conversation.")
