"""Deliveries in the console: who was told what, and who was not."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from schedules.models import Schedule
from tests.support.mailbox import a_delivery
from tests.support.pages import Reader

pytestmark = pytest.mark.django_db
LIST = "/admin/schedules/delivery/"


def test_a_message_to_a_person_is_told_by_their_name(alice: User, bob: User, client: Client) -> None:
    a_delivery(str(alice.pk), "chat", kind="self_pause")
    a_delivery(str(bob.pk), "chat")
    Schedule.objects.update(owner=alice)
    page = Reader(client, alice).opens(LIST)
    assert "alice chat" in page
    assert f"user {bob.pk} chat" in page  # who owned it when it was posted


def test_what_was_given_up_says_why(alice: User, client: Client) -> None:
    a_delivery("https://example.org/hook", status="failed", attempts=14, last_error="It answered 503.")
    page = Reader(client, alice).opens(LIST)
    assert "It answered 503." in page
    assert "https://example.org/hook" in page


def test_a_delivery_shows_what_it_says_and_what_was_sent(alice: User, client: Client) -> None:
    result = "| When |\n| --- |\n| 07:00 |\n\n<script>alert(1)</script>"
    delivery = a_delivery(str(alice.pk), "chat")
    delivery.payload = {
        "schedule_name": "Nightly", "run_id": "7", "status": "completed", "report": None, "result": result,
        "result_partial": False,
    }  # fmt: skip
    delivery.save()
    reader = Reader(client, alice)
    page = reader.opens(f"{LIST}{delivery.pk}/change/")
    assert "result to the chat page" in page
    assert f"To user {alice.pk}" in page
    assert "Run 7 of “Nightly” is done." in page
    assert "<td>07:00</td>" in reader.html
    assert '"schedule_name": "Nightly"' in page
    assert "<script>alert" not in reader.html
