"""Sends a delivery by HTTP: signed JSON; any 2xx within ten seconds is success.

Receivers verify `Stagent-Signature: t=<unix seconds>,v1=<hex>`: the HMAC-SHA256 of "<t>.<body>" with the
secret that `manage.py webhooksecret <schedule>` prints. A repeat has the same `Idempotency-Key`.
"""

import asyncio
import hashlib
import hmac
import json
from datetime import datetime

from django.utils.crypto import salted_hmac

from schedules.deliveries.links import page_of
from schedules.models import Delivery

ANSWER_SEC = 10.0  # for the whole of it: name, connection, request, answer

type Headers = dict[str, str]


class Refused(Exception):
    """The receiver answered with another status than 2xx."""


def webhook_secret(schedule_id: int | None) -> str:
    """Return the secret of a schedule's signatures: 64 hex digits derived from SECRET_KEY.

    Each schedule has its own, and None stands for operator notices: a receiver of one schedule cannot sign
    for another.
    """
    whose = "notices" if schedule_id is None else str(schedule_id)
    return salted_hmac("schedules.deliveries.webhook", whose, algorithm="sha256").hexdigest()


def signature(schedule_id: int | None, body: bytes, at: int) -> str:
    """Return the signature header of a body sent at `at` (Unix seconds)."""
    signed = hmac.new(webhook_secret(schedule_id).encode(), b"%d." % at + body, hashlib.sha256)
    return f"t={at},v1={signed.hexdigest()}"


async def post(delivery: Delivery, now: datetime) -> None:
    """Send a delivery. Raises `Refused` for other statuses than 2xx; redirects are not followed."""
    import httpx2  # takes most of a second to import, and most installs have no webhook

    body, headers = payload(delivery, now)
    async with (
        asyncio.timeout(ANSWER_SEC),
        httpx2.AsyncClient(timeout=ANSWER_SEC, follow_redirects=False) as client,
        client.stream("POST", delivery.target, content=body, headers=headers) as answer,
    ):
        if not answer.is_success:
            raise Refused(f"It answered {answer.status_code} {answer.reason_phrase}".strip())


def payload(delivery: Delivery, now: datetime) -> tuple[bytes, Headers]:
    """Return the body and headers of a delivery."""
    page = {"page": address} if (address := page_of(delivery.schedule_id)) else {}
    body = json.dumps({"delivery_id": str(delivery.pk)} | delivery.payload | page).encode()
    return body, {
        "Content-Type": "application/json",
        "User-Agent": "Stagent",
        "Idempotency-Key": f"delivery-{delivery.pk}",
        "Stagent-Signature": signature(delivery.schedule_id, body, int(now.timestamp())),
    }
