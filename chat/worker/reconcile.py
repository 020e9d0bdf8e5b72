"""What nobody works on any more is settled: at start-up, every 15 s, and when a conversation is opened.

A hard kill runs no handler at all, so this is what keeps the promise that no reply stays unfinished.
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
LONGEST_LEASE = timedelta(hours=1)  # one that ends later was written by a clock that was wrong

log = logging.getLogger("stagent.reconcile")

_jumps = clock.JumpDetector()
_spared_until = float("-inf")


def finalise_stale(now: datetime, conversation_id: int | None = None) -> int:
    """End the replies whose holders are gone, what was shown kept; wake those that were answered."""
    streaming = Message.objects.streaming()
    if conversation_id is not None:
        streaming = streaming.filter(conversation_id=conversation_id)
    holders = streaming.order_by().values_list("holder", flat=True).distinct()
    stale = Q(holder__in=[holder for holder in holders if is_dead(holder)])
    if not _clock_jumped():
        stale |= Q(lease_expires_at__lte=now) | Q(lease_expires_at__gt=now + LONGEST_LEASE)
    settled = sum(_settle(reply, stale, now) for reply in streaming.filter(stale).order_by("pk")[:BATCH])
    _wake_the_answered(now, conversation_id)
    return settled


def _wake_the_answered(now: datetime, conversation_id: int | None) -> None:
    """Go on with what a person has answered, or failed to answer in time; no lost call leaves it waiting."""
    approvals.expire(now)
    parked = Message.objects.filter(status=MessageStatus.PENDING, asks_since__isnull=False)
    if conversation_id is not None:
        parked = parked.filter(conversation_id=conversation_id)
    for message_id in parked.order_by("pk").values_list("pk", flat=True)[:BATCH]:
        try:
            unpark(message_id)
        except Exception:
            log.exception("The reply %s could not go on; it is tried again.", message_id)


def _clock_jumped() -> bool:
    """Tell whether the clock jumped: until all have renewed, the ends of their leases mean nothing."""
    global _spared_until  # noqa: PLW0603 - one for the process
    if _jumps.jumped():
        _spared_until = time.monotonic() + conf.lease_ttl().total_seconds()
    return time.monotonic() < _spared_until


def _settle(reply: Message, stale: Q, now: datetime) -> bool:
    """End a reply that is stale still: its holder may have come back since it was read."""
    end = End(MessageStatus.INTERRUPTED, Reason.RECONCILED)
    try:
        done = finalise(reply.pk, end, now=now, token=reply.token, belief=stale) is not None
    except Exception:  # one reply's fault never stops the sweep
        log.exception("The reply %s could not be settled; it is tried again.", reply.pk)
        return False
    if done:
        log.warning("The reply %s was broken off: %s is gone.", reply.pk, reply.holder)
    return done
