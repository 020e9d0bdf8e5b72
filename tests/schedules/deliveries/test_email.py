"""A delivery by mail: what a person reads."""

from typing import Any

import pytest
from django.core import mail

from schedules.deliveries.sender import send_due
from schedules.models import Delivery, Schedule
from tests.support.builders import NOON
from tests.support.mailbox import RESULT, a_delivery, fresh

pytestmark = pytest.mark.django_db


def a_letter(**columns: Any) -> Any:
    """Send one by mail, and return what arrived."""
    a_delivery("alice@example.org", "email", **columns)
    assert send_due(NOON) == 1
    return mail.outbox[-1]


def test_a_result_is_told_in_plain_words() -> None:
    letter = a_letter()
    assert (letter.subject, letter.to) == ("Nightly report: done", ["alice@example.org"])
    assert letter.body == "Run 7 of “Nightly report” is done.\n\nAll is well.\n"


def test_a_failure_tells_its_reason_and_what_there_was_by_then() -> None:
    failed = {
        "status": "failed",
        "failure_reason": "turn_limit_exceeded",
        "failure_detail": "3 of 3 turns.",
    }
    letter = a_letter(payload=RESULT | failed | {"result": "Half of it.", "result_partial": True})
    assert letter.subject == "Nightly report: failed (turn limit exceeded)"
    assert "3 of 3 turns." in letter.body
    assert letter.body.endswith("What it had by then:\n\nHalf of it.\n")


def test_a_heartbeat_tells_what_changed() -> None:
    report = {"changed": True, "severity": "warning", "body": "The disk is nearly full."}
    assert "Warning: The disk is nearly full." in a_letter(payload=RESULT | {"report": report}).body


def test_a_self_pause_tells_why_and_where_it_is_undone(settings: Any) -> None:
    settings.STAGENT_PUBLIC_URL = "https://stagent.example.org"
    pause = {
        "type": "self_pause",
        "schedule_name": "Nightly report",
        "reason": "Paused itself: 3 failures in a row.",
    }
    letter = a_letter(kind="self_pause", payload=pause)
    assert letter.subject == "Nightly report: paused itself"
    assert "Paused itself: 3 failures in a row." in letter.body
    assert (
        f"https://stagent.example.org/admin/schedules/schedule/{Schedule.objects.get().pk}/change/"
        in letter.body
    )


def test_a_warning_says_that_it_goes_on_and_why_it_should_not() -> None:
    warning = {"type": "warning", "schedule_name": "Nightly report", "reason": "2 turn-limit breaches."}
    letter = a_letter(kind="warning", payload=warning)
    assert letter.subject == "Nightly report: needs a look"
    assert "“Nightly report” goes on" in letter.body
    assert "2 turn-limit breaches." in letter.body


def test_a_name_cannot_smuggle_a_header_in() -> None:
    letter = a_letter(payload=RESULT | {"schedule_name": "Report\nBcc: eve@example.org"})
    assert letter.message()["Bcc"] is None
    assert letter.subject == "Report Bcc: eve@example.org: done"


def test_a_repeat_has_the_same_message_id() -> None:
    letter = a_letter()
    Delivery.objects.update(status="pending", next_attempt_at=NOON)
    send_due(NOON)
    again = mail.outbox[-1]
    assert again is not letter
    assert again.extra_headers["Message-ID"] == letter.extra_headers["Message-ID"]


def test_a_mail_server_that_is_away_is_asked_again(settings: Any) -> None:
    smtp = "django.core.mail.backends.smtp.EmailBackend"
    settings.MAILERS = {
        "default": {"BACKEND": smtp, "OPTIONS": {"host": "127.0.0.1", "port": 1, "timeout": 5}}
    }
    delivery = a_delivery("alice@example.org", "email")
    send_due(NOON)
    assert (fresh(delivery).status, fresh(delivery).attempts) == ("pending", 1)
    assert "refused" in fresh(delivery).last_error.lower()
