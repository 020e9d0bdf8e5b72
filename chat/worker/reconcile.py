"""Finalises replies whose worker is gone: at start-up, every 15 s, and when a conversation is opened.

A process that is killed runs no handler, so this keeps the promise that no reply stays unfinished.
"""

import logging
import time
from datetime import datetime, timedelta

from django.db.models import Q

from agents.approvals import approvals
from chat import conf
from chat.models import Message
from chat.states import MessageStatus, Reason
from chat.transitions import End, finalise, unpark
from stagent.lib import clock
from stagent.lib.processes.process_id import is_dead

EVERY_SEC = 15.0
BATCH = 200
LONGEST_LEASE = timedelta(hours=1)  # a lease that ends later was written by a wrong clock

log = logging.getLogger(__name__)

_jumps = clock.JumpDetector()
_ignore_leases_until = float("-inf")


def finalise_stale(now: datetime, conversation_id: int | None = None) -> int:
    """End replies whose holders are gone, and unpark those whose approval is resolved; return how many ended.

    What was shown stays.
    """
    streaming = Message.objects.streaming()
    if conversation_id is not None:
        streaming = streaming.filter(conversation_id=conversation_id)
    holders = streaming.order_by().values_list("holder", flat=True).distinct()
    stale = Q(holder__in=[holder for holder in holders if is_dead(holder)])
    if not _clock_jumped():
        stale |= Q(lease_expires_at__lte=now) | Q(lease_expires_at__gt=now + LONGEST_LEASE)
    finalised = sum(_finalise(reply, stale, now) for reply in streaming.filter(stale).order_by("pk")[:BATCH])
    _unpark_resolved(now, conversation_id)
    return finalised


def _unpark_resolved(now: datetime, conversation_id: int | None) -> None:
    """Resume replies whose approval is resolved or expired, even if the call that should do so is lost."""
    approvals.expire(now)
    parked = Message.objects.filter(status=MessageStatus.PENDING, asks_since__isnull=False)
    if conversation_id is not None:
        parked = parked.filter(conversation_id=conversation_id)
    for message_id in parked.order_by("pk").values_list("pk", flat=True)[:BATCH]:
        try:
            unpark(message_id)
        except Exception:
            log.exception("Reply %s could not be resumed; it is tried again.", message_id)


def _clock_jumped() -> bool:
    """Return whether the clock jumped: until every holder has renewed, expiry times mean nothing."""
    global _ignore_leases_until  # noqa: PLW0603 - one for the process
    if _jumps.jumped():
        _ignore_leases_until = time.monotonic() + conf.lease_ttl().total_seconds()
    return time.monotonic() < _ignore_leases_until


def _finalise(reply: Message, stale: Q, now: datetime) -> bool:
    """End a reply if it is still stale: its holder may have renewed since it was read."""
    end = End(MessageStatus.INTERRUPTED, Reason.RECONCILED)
    try:
        done = finalise(reply.pk, end, now=now, token=reply.token, condition=stale) is not None
    except Exception:  # one reply's error does not stop the sweep
        log.exception("Reply %s could not be finalised; it is tried again.", reply.pk)
        return False
    if done:
        log.warning("Reply %s was interrupted: its worker %s is gone.", reply.pk, reply.holder)
    return done
