"""Sends deliveries until they are delivered or have failed.

A claim counts the attempt and moves the next one past the lease, by compare-and-set: two schedulers never
send one at the same time, and the delivery of a dead sender becomes due again. So each is sent at least once,
and twice only if the sender dies between sending and recording it.
"""

import asyncio
import logging
import time
from datetime import datetime, timedelta
from typing import Any

from schedules.checks import NO_MAIL_SERVER, has_no_mail_server
from schedules.deliveries import email, webhook
from schedules.models import Delivery
from schedules.models.delivery import LONGEST_ERROR
from schedules.signals import deliver_to_chat
from stagent.lib.text import clip

BATCH = 20  # sent at once, so that one slow target delays nobody by more than its own ten seconds
LEASE = timedelta(minutes=2)  # longer than any sending takes
MOST_ATTEMPTS = 14  # the last one 27 hours after the first: an outage of a day is outlasted
FIRST_WAIT = timedelta(seconds=10)
FACTOR = 3.0  # from one wait to the next
LONGEST_WAIT = timedelta(hours=4)
SENT = ""
OUTSIDE = (Delivery.Channel.WEBHOOK, Delivery.Channel.EMAIL)
INSIDE = (Delivery.Channel.CHAT,)

log = logging.getLogger(__name__)


def enqueue_due(now: datetime) -> int:
    """Send a batch of due deliveries to the chat of this install; return the number of attempts."""
    claimed = claim_due(now, INSIDE)
    for delivery in claimed:
        record_outcome(delivery, _deliver_in_app(delivery), now)
    return len(claimed)


def send_due(now: datetime, **only: Any) -> int:
    """Send a batch of due deliveries to webhooks and mailboxes; return the number of attempts."""
    began, claimed = time.monotonic(), claim_due(now, **only)
    if not claimed:
        return 0
    errors = asyncio.run(_send_all(claimed, now))
    after = now + timedelta(seconds=time.monotonic() - began)
    for delivery, error in zip(claimed, errors, strict=True):
        record_outcome(delivery, error, after)
    return len(claimed)


def claim_due(now: datetime, channels: tuple[Delivery.Channel, ...] = OUTSIDE, **only: Any) -> list[Delivery]:
    """Claim a batch of due deliveries for the length of the lease."""
    due = Delivery.objects.due(now).filter(channel__in=channels, **only).order_by("next_attempt_at", "pk")
    return [delivery for delivery in due[:BATCH] if claim(delivery, now)]


def claim(delivery: Delivery, now: datetime) -> bool:
    """Claim a delivery by compare-and-set; one without attempts left is marked failed."""
    if delivery.attempts >= MOST_ATTEMPTS:
        _write(delivery, status=Delivery.Status.FAILED, last_error="Its sender vanished at the last attempt.")
        return False
    return _write(delivery, attempts=delivery.attempts + 1, next_attempt_at=now + LEASE)


def record_outcome(delivery: Delivery, error: str, now: datetime) -> None:
    """Record the result of an attempt."""
    if error == NO_MAIL_SERVER:  # asking again would not help
        kept = _write(delivery, status=Delivery.Status.NOT_SENT, last_error=error)
    elif error == SENT:
        kept = _write(delivery, status=Delivery.Status.DELIVERED, delivered_at=now, last_error="")
    elif delivery.attempts < MOST_ATTEMPTS:
        kept = _write(delivery, next_attempt_at=now + backoff(delivery.attempts), last_error=error)
    else:
        kept = _write(delivery, status=Delivery.Status.FAILED, last_error=error)
        log.warning("Delivery %s to %s failed for good: %s", delivery.pk, delivery.target, error)
    if not kept:
        log.info("Delivery %s was not ours any more when it was settled.", delivery.pk)


def backoff(attempts: int) -> timedelta:
    """Return the wait after an attempt: 10 s, 30 s, 90 s, 4.5 min, 13.5 min, 40 min, 2 h, then 4 h each.

    The fourteenth attempt is the last, 27 hours after the first.
    """
    return min(LONGEST_WAIT, FIRST_WAIT * FACTOR ** (attempts - 1))


def _write(delivery: Delivery, **columns: object) -> bool:
    """Update a pending delivery by compare-and-set; return whether it was still as read."""
    as_read = {name: getattr(delivery, name) for name in ("attempts", "next_attempt_at")}
    unchanged = Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.PENDING, **as_read)
    if not unchanged.update(**columns):
        return False
    vars(delivery).update(columns)
    return True


def _deliver_in_app(delivery: Delivery) -> str:
    """Send the signal of an in-app delivery; return the error text. Without a receiver there is no error."""
    try:
        deliver_to_chat.send(sender=None, delivery=delivery)
    except Exception as error:  # whatever it is, it is tried again
        log.exception("Delivery %s did not arrive in the chat.", delivery.pk)
        return _error_text(error)
    return SENT


async def _send_all(deliveries: list[Delivery], now: datetime) -> list[str]:
    return await asyncio.gather(*(_send(delivery, now) for delivery in deliveries))


async def _send(delivery: Delivery, now: datetime) -> str:
    """Send one delivery; return the error text."""
    try:
        if delivery.channel == Delivery.Channel.WEBHOOK:
            await webhook.post(delivery, now)
        elif has_no_mail_server():
            return NO_MAIL_SERVER
        else:
            await asyncio.to_thread(email.mail, delivery)
    except TimeoutError:
        return "There was no answer in time."
    except webhook.Refused as refusal:
        return clip(str(refusal), LONGEST_ERROR)
    except Exception as error:  # noqa: BLE001 - whatever one target does, the others are served
        return _error_text(error)
    return SENT


def _error_text(error: Exception) -> str:
    return clip(f"{type(error).__name__}: {error}", LONGEST_ERROR)
