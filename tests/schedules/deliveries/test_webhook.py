"""A delivery by web: JSON, signed, and taken only with a 2xx."""

import hashlib
import hmac
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from schedules.deliveries.sender import send_due
from schedules.deliveries.webhook import signature, webhook_secret
from tests.support.builders import NOON
from tests.support.mailbox import RESULT, Postbox, a_delivery, fresh

pytestmark = pytest.mark.django_db


def test_the_payload_arrives_as_json_and_is_delivered(postbox: Postbox) -> None:
    delivery = a_delivery(postbox.url)
    assert send_due(NOON) == 1
    (request,) = postbox.received
    assert (request.path, request.headers["Content-Type"]) == ("/hook", "application/json")
    assert json.loads(request.body) == RESULT | {"delivery_id": str(delivery.pk)}
    delivery = fresh(delivery)
    assert (delivery.status, delivery.attempts, delivery.last_error) == ("delivered", 1, "")
    assert delivery.delivered_at is not None
    assert send_due(NOON + timedelta(days=1)) == 0


def test_whoever_knows_the_secret_can_check_who_sent_it(postbox: Postbox) -> None:
    delivery = a_delivery(postbox.url)
    send_due(NOON)
    (request,) = postbox.received
    told = dict(part.split("=") for part in request.headers["Stagent-Signature"].split(","))
    printed = StringIO()
    call_command("webhooksecret", delivery.schedule.name, stdout=printed)
    signed = told["t"].encode() + b"." + request.body
    assert told["v1"] == hmac.new(printed.getvalue().strip().encode(), signed, hashlib.sha256).hexdigest()
    assert int(told["t"]) == NOON.timestamp()


def test_the_secret_changes_with_the_install(settings: Any) -> None:
    ours, signed = webhook_secret(7), signature(7, b"{}", 1)
    settings.SECRET_KEY = "another"
    assert webhook_secret(7) != ours
    assert signature(7, b"{}", 1) != signed
    assert len(ours) == 64


def test_who_knows_the_secret_of_one_schedule_cannot_sign_for_another() -> None:
    assert webhook_secret(7) != webhook_secret(8)
    assert signature(7, b"{}", 1) != signature(8, b"{}", 1)


def test_the_secret_of_what_is_no_schedule_is_not_told() -> None:
    with pytest.raises(
        CommandError, match=r"There is no schedule 'Moon landing'\. .manage.py schedules export"
    ):
        call_command("webhooksecret", "Moon landing")


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_2xx_is_delivered(postbox: Postbox, status: int) -> None:
    postbox.statuses = [status]
    delivery = a_delivery(postbox.url)
    send_due(NOON)
    assert fresh(delivery).status == "delivered"


@pytest.mark.parametrize("status", [302, 307, 404, 429, 500])
def test_everything_else_is_tried_again_and_no_redirect_is_followed(postbox: Postbox, status: int) -> None:
    postbox.statuses = [status]
    delivery = a_delivery(postbox.url)
    send_due(NOON)
    assert [request.path for request in postbox.received] == ["/hook"]
    delivery = fresh(delivery)
    assert (delivery.status, delivery.attempts) == ("pending", 1)
    assert f"answered {status}" in delivery.last_error
    assert delivery.next_attempt_at >= NOON + timedelta(seconds=10)


def test_a_repeat_is_known_by_its_key(postbox: Postbox) -> None:
    postbox.statuses = [503, 200]
    delivery = a_delivery(postbox.url)
    send_due(NOON)
    send_due(NOON + timedelta(minutes=1))
    assert [request.headers["Idempotency-Key"] for request in postbox.received] == [
        f"delivery-{delivery.pk}"
    ] * 2
    assert (fresh(delivery).status, fresh(delivery).last_error) == ("delivered", "")


def test_the_page_is_named_where_the_public_address_is_known(postbox: Postbox, settings: Any) -> None:
    settings.STAGENT_PUBLIC_URL = "https://stagent.example.org/"
    delivery = a_delivery(postbox.url)
    send_due(NOON)
    page = f"https://stagent.example.org/admin/schedules/schedule/{delivery.schedule_id}/change/"
    assert json.loads(postbox.received[0].body)["page"] == page


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:1/", "http://nobody.invalid/", "http://[::broken/", "gopher://x"]
)
def test_a_target_that_cannot_be_reached_says_so_and_harms_no_other(postbox: Postbox, target: str) -> None:
    bad, good = a_delivery(target), a_delivery(postbox.url)
    assert send_due(NOON) == 2
    assert (fresh(bad).status, bool(fresh(bad).last_error)) == ("pending", True)
    assert fresh(good).status == "delivered"


def test_a_target_that_never_answers_is_left_after_a_while(
    postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedules.deliveries.webhook.ANSWER_SEC", 0.2)
    postbox.open.clear()
    delivery = a_delivery(postbox.url)
    send_due(NOON)
    assert (fresh(delivery).status, fresh(delivery).last_error) == (
        "pending",
        "There was no answer in time.",
    )
