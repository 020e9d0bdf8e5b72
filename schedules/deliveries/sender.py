"""One delivery after another, from due to delivered, or to failed when nobody took it.

Claiming counts the attempt and puts the next one as far ahead as a lease lasts, believing what was read:
two schedulers never send one at the same time, and who dies while sending gives it back by silence.
So each is sent at least once, and twice only if the sender dies between the sending and the word of it.
"""

import asyncio
import logging
import time
from datetime import datetime, timedelta
from typing import Any

from schedules.checks import NO_MAIL_SERVER, mail_goes_to_the_log
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

log = logging.getLogger("stagent.chat_delivery")


def enqueue_due(now: datetime) -> int:
    """Hand a batch of what is due to the chat page of this install; return how many were tried."""
    claimed = claim_due(now, INSIDE)
    for delivery in claimed:
        record_outcome(delivery, _tell(delivery), now)
    return len(claimed)


def send_due(now: datetime, **only: Any) -> int:
    """Send a batch of what is due to the outside, or of some of it; return how many were tried."""
    began, claimed = time.monotonic(), claim_due(now, **only)
    if not claimed:
        return 0
    errors = asyncio.run(_send_all(claimed, now))
    after = now + timedelta(seconds=time.monotonic() - began)
    for delivery, error in zip(claimed, errors, strict=True):
        record_outcome(delivery, error, after)
    return len(claimed)


def claim_due(now: datetime, channels: tuple[Delivery.Channel, ...] = OUTSIDE, **only: Any) -> list[Delivery]:
    """Take a batch of due deliveries for ourselves, as long as the lease lasts."""
    due = Delivery.objects.due(now).filter(channel__in=channels, **only).order_by("next_attempt_at", "pk")
    return [delivery for delivery in due[:BATCH] if claim(delivery, now)]


def claim(delivery: Delivery, now: datetime) -> bool:
    """Take a delivery if it still is as it was read; one that has no attempt left fails instead."""
    if delivery.attempts >= MOST_ATTEMPTS:
        _write(delivery, status=Delivery.Status.FAILED, last_error="Its sender vanished at the last attempt.")
        return False
    return _write(delivery, attempts=delivery.attempts + 1, next_attempt_at=now + LEASE)


def record_outcome(delivery: Delivery, error: str, now: datetime) -> None:
    """Write what came of an attempt."""
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
    """Return how long to wait after so many attempts: 10 s, 30 s, 90 s, 4.5 min, 13.5 min, 40 min, 2 h,
    then 4 h each time. The fourteenth attempt is the last, 27 hours after the first.
    """
    return min(LONGEST_WAIT, FIRST_WAIT * FACTOR ** (attempts - 1))


def _write(delivery: Delivery, **columns: object) -> bool:
    """Change a pending delivery that is still as we know it; tell whether it was."""
    believed = {name: getattr(delivery, name) for name in ("attempts", "next_attempt_at")}
    unchanged = Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.PENDING, **believed)
    if not unchanged.update(**columns):
        return False
    vars(delivery).update(columns)
    return True


def _tell(delivery: Delivery) -> str:
    """Tell who listens; return what went wrong, in words. Where nobody listens, nobody is missed."""
    try:
        deliver_to_chat.send(sender=None, delivery=delivery)
    except Exception as error:  # whatever it is, it is tried again
        log.exception("Delivery %s did not arrive in the chat.", delivery.pk)
        return _in_words(error)
    return SENT


async def _send_all(deliveries: list[Delivery], now: datetime) -> list[str]:
    return await asyncio.gather(*(_send(delivery, now) for delivery in deliveries))


async def _send(delivery: Delivery, now: datetime) -> str:
    """Send one; return what went wrong, in words."""
    try:
        if delivery.channel == Delivery.Channel.WEBHOOK:
            await webhook.post(delivery, now)
        elif mail_goes_to_the_log():
            return NO_MAIL_SERVER
        else:
            await asyncio.to_thread(email.mail, delivery)
    except TimeoutError:
        return "There was no answer in time."
    except webhook.Refused as refusal:
        return clip(str(refusal), LONGEST_ERROR)
    except Exception as error:  # noqa: BLE001 - whatever one target does, the others are served
        return _in_words(error)
    return SENT


def _in_words(error: Exception) -> str:
    return clip(f"{type(error).__name__}: {error}", LONGEST_ERROR)
