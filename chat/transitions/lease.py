"""The lease of a reply: claim, renew, park for an approval, unpark, request a stop."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Coalesce

from agents import live_streams
from agents.approvals import approvals
from agents.errors import LeaseLost
from agents.transcripts import transcript
from chat.errors import LostRace, no_message
from chat.feed.broadcast import notify_worker, publish
from chat.feed.events import Started
from chat.models import Message
from chat.states import MessageStatus, Reason, Role
from chat.transitions.accept import number
from chat.transitions.finalise import End, finalise
from stagent.lib.db.prepared import Param, Update
from stagent.lib.problems import invalid


@dataclass(frozen=True)
class Claim:
    """The right to work on a reply; the token proves it."""

    message_id: int
    transcript_id: int
    owner_id: int
    token: uuid.UUID
    fresh: bool = False  # the first claim of this reply


def claim(reply: Message, *, holder: str, now: datetime, ttl: timedelta) -> Claim:
    """Claim a pending reply under a lease. Raises `LostRace` if another worker claimed it first."""
    assert reply.transcript_id is not None
    fresh = reply.started_at is None
    claimed = Claim(reply.pk, reply.transcript_id, reply.conversation.owner_id, uuid.uuid4(), fresh)
    begun = [Started(reply.model, reply.profile.slug if reply.profile else "")] if fresh else []
    held = {"token": claimed.token, "holder": holder, "lease_expires_at": now + ttl, "started_at": now}
    with transaction.atomic():
        if CLAIM[fresh](id=reply.pk, **held) != 1:
            raise LostRace(f"message {reply.pk}")
        transcript.take_over(claimed.transcript_id, claimed.token, begun, now)
        live_streams.begin(reply.stream_key, holder, round(ttl.total_seconds()), now, token=claimed.token)
    publish(claimed.owner_id)
    return claimed


CLAIM_COLUMNS = ("id", "token", "holder", "lease_expires_at", "started_at")


def _claim_query(fresh: bool) -> Update[Message]:
    """Prepare the update that claims a reply if it is still as read: new (`fresh`) or parked before."""
    seen = Message.objects.filter(status=MessageStatus.PENDING, asks_since=None, started_at__isnull=fresh)
    values: dict[str, Any] = {name: Param(name, Message._meta.get_field(name)) for name in CLAIM_COLUMNS}
    started = Coalesce("started_at", values.pop("started_at"))
    return Update(
        seen.filter(pk=values.pop("id")), status=MessageStatus.STREAMING, started_at=started, **values
    )


CLAIM = {fresh: _claim_query(fresh) for fresh in (True, False)}  # the WHERE clause lets one worker win


def renew(tokens: Collection[uuid.UUID], now: datetime, ttl: timedelta) -> set[uuid.UUID]:
    """Renew the leases of these tokens; return the tokens that are still valid."""
    with transaction.atomic():
        held = Message.objects.streaming().filter(token__in=tokens).select_for_update(no_key=True)
        valid = {token for token in held.values_list("token", flat=True) if token}
        Message.objects.filter(token__in=valid).update(lease_expires_at=now + ttl)
        live_streams.renew_all(valid, now + ttl)
    return valid


def park(claim: Claim, *, now: datetime) -> None:
    """Park a reply until its approval requests are answered; it holds no worker meanwhile.

    If they were answered meanwhile, it is ready again at once; if a stop was requested, it is stopped.
    """
    with transaction.atomic():
        held = Message.objects.streaming().filter(pk=claim.message_id, token=claim.token)
        if not held.update(status=MessageStatus.PENDING, token=None, lease_expires_at=None, asks_since=now):
            raise LeaseLost(f"message {claim.message_id}")
        transcript.rotate(claim.transcript_id, claim.token, None)
        live_streams.end(f"message:{claim.message_id}", claim.token)
        parked = Message.objects.get(pk=claim.message_id)
        if parked.stop_requested_at:
            finalise(parked.pk, End(MessageStatus.STOPPED, Reason.CLIENT_STOP), now=now)
        else:
            unpark(parked.pk)
    publish(claim.owner_id)


def unpark(message_id: int) -> bool:
    """Make a parked reply ready for a worker once all its approval requests are resolved."""
    with transaction.atomic():
        # The lock waits for a `park` under way, which may have read the approvals too early. So the query
        # has no condition on the state: a row that is not parked yet would be passed over.
        messages = Message.objects.select_for_update(of=("self",), no_key=True).select_related("conversation")
        parked = messages.filter(pk=message_id).first()
        if parked is None or parked.status != MessageStatus.PENDING or parked.asks_since is None:
            return False
        if approvals.open_approvals(parked.transcript_id or 0).exists():
            return False
        Message.objects.filter(pk=message_id).update(asks_since=None)
        transaction.on_commit(partial(notify_worker, parked.conversation.owner_id), robust=True)
    return True


def request_stop(owner: User, message_id: str, *, now: datetime) -> Message:
    """Request that a reply stops; a pending one stops here. A second request changes nothing."""
    with transaction.atomic():
        # The lock waits for a `claim` or a `park` under way: either this call or that one stops it.
        owned = Message.objects.of(owner).select_for_update(of=("self",), no_key=True)
        reply = owned.filter(pk=number(message_id)).first()
        if reply is None:
            raise no_message()
        if reply.role == Role.USER:
            raise invalid({"message_id": "This is a user's message; only a reply can be stopped."})
        Message.objects.unfinished().filter(pk=reply.pk, stop_requested_at=None).update(stop_requested_at=now)
        if reply.status == MessageStatus.PENDING:
            finalise(reply.pk, End(MessageStatus.STOPPED, Reason.CLIENT_STOP), now=now)
    notify_worker(owner.pk)
    reply.refresh_from_db()
    return reply
