"""Sends a delivery by email, as plain text."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.crypto import salted_hmac

from schedules.deliveries.links import page_of
from schedules.models import Delivery, Notice
from schedules.states import RunStatus


def mail(delivery: Delivery) -> None:
    """Send a delivery. A repeat has the same Message-ID, so that mailboxes can drop it."""
    message = EmailMessage(subject(delivery), text(delivery), to=[delivery.target])
    message.extra_headers = {"Message-ID": _message_id(delivery), "Auto-Submitted": "auto-generated"}
    message.send()


def subject(delivery: Delivery) -> str:
    """Return the subject: the schedule and the event."""
    whose = delivery.payload.get("schedule_name", "Stagent")
    return " ".join(f"{whose}: {_headline(delivery)}".split())


def text(delivery: Delivery) -> str:
    """Return the body: what happened, the result, and a link."""
    return "\n\n".join(paragraph for paragraph in _paragraphs(delivery) if paragraph) + "\n"


def _headline(delivery: Delivery) -> str:
    news = delivery.payload
    if delivery.kind == Delivery.Kind.NOTICE:
        return str(Notice.Kind(news["kind"]).label)
    if delivery.kind == Delivery.Kind.SELF_PAUSE:
        return "paused itself"
    if delivery.kind == Delivery.Kind.WARNING:
        return "needs a look"
    if news["status"] == RunStatus.COMPLETED:
        return "done"
    return f"failed ({news['failure_reason'].replace('_', ' ')})"


def _paragraphs(delivery: Delivery) -> Iterator[str]:
    news = delivery.payload
    if delivery.kind == Delivery.Kind.NOTICE:
        yield news["text"]
        yield "You are told once. The console shows how it goes on, and there it can be acknowledged."
    elif delivery.kind == Delivery.Kind.SELF_PAUSE:
        yield f"The schedule “{news['schedule_name']}” does not fire any more until somebody resumes it."
        yield news["reason"]
    elif delivery.kind == Delivery.Kind.WARNING:
        yield f"The schedule “{news['schedule_name']}” goes on, but it will not go well for long."
        yield news["reason"]
    else:
        yield from _result(news)
    if address := page_of(delivery.schedule_id):
        yield f"The {'schedule' if delivery.schedule_id else 'console'}: {address}"


def _result(news: dict[str, Any]) -> Iterator[str]:
    name, run = news["schedule_name"], news["run_id"]
    if news["status"] == RunStatus.COMPLETED:
        yield f"Run {run} of “{name}” is done."
    else:
        yield f"Run {run} of “{name}” failed: {news['failure_reason'].replace('_', ' ')}."
        yield news["failure_detail"] or ""
    if report := news["report"]:
        yield f"{str(report.get('severity', '')).capitalize()}: {report.get('body', '')}".removeprefix(": ")
    if news["result"] and news["result_partial"]:
        yield "What it had by then:"
    yield news["result"]


def _message_id(delivery: Delivery) -> str:
    ours = salted_hmac("schedules.deliveries.mail", str(delivery.pk), algorithm="sha256").hexdigest()[:16]
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ")
    return f"<delivery-{delivery.pk}.{ours}@{domain}>"
