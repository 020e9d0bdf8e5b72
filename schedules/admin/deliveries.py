"""The admin of deliveries to webhooks, e-mail addresses and chat."""

import json

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from schedules.deliveries import email
from schedules.models import Delivery
from stagent.lib import clock
from stagent.lib.web import formatting
from stagent.lib.web.admin import ReadOnlyAdmin
from stagent.lib.web.markdown import to_html

TONES = {
    Delivery.Status.PENDING: "wait",
    Delivery.Status.DELIVERED: "good",
    Delivery.Status.FAILED: "bad",
    Delivery.Status.NOT_SENT: "bad",
}


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("delivery_kind", "state", "destination", "attempts", "created", "next", "last_error")
    list_select_related = ("schedule__owner",)
    list_filter = ("status", "kind", "channel")
    search_fields = ("target", "schedule__name")
    ordering = ("-pk",)
    fields = (
        ("schedule", "run", "notice"), ("kind", "channel", "recipient"), ("status", "attempts"),
        ("created_at", "next_attempt_at", "delivered_at"),
        "last_error", "message", "payload_json",
    )  # fmt: skip
    readonly_fields = ("recipient", "message", "payload_json")
    empty_text = (
        "Results are delivered to the chat of a schedule's owner, to its webhook and to its e-mail address."
    )

    @admin.display(description="delivery", ordering="kind")
    def delivery_kind(self, delivery: Delivery) -> SafeString:
        subject = delivery.schedule or "to the operators"
        return format_html('{}<span class="under">{}</span>', delivery.kind.replace("_", " "), subject)

    @admin.display(description="status", ordering="status")
    def state(self, delivery: Delivery) -> SafeString:
        return formatting.badge(delivery.status.replace("_", " "), TONES[Delivery.Status(delivery.status)])

    @admin.display(description="to", ordering="target")
    def destination(self, delivery: Delivery) -> SafeString:
        return format_html('{}<span class="under">{}</span>', _recipient(delivery), delivery.channel)

    @admin.display(description="to")
    def recipient(self, delivery: Delivery) -> str:
        return _recipient(delivery)

    @admin.display(description="created", ordering="created_at")
    def created(self, delivery: Delivery) -> SafeString:
        return formatting.ago(delivery.created_at, clock.now())

    @admin.display(description="message")
    def message(self, delivery: Delivery) -> SafeString:
        """Render the text of the e-mail, whatever the channel."""
        if not delivery.payload:
            return formatting.EMPTY
        return format_html('<div class="prose">{}</div>', mark_safe(to_html(email.text(delivery))))  # noqa: S308

    @admin.display(description="payload")
    def payload_json(self, delivery: Delivery) -> SafeString:
        if not delivery.payload:
            return formatting.EMPTY
        return format_html("<pre>{}</pre>", json.dumps(delivery.payload, indent=2, ensure_ascii=False))

    @admin.display(description="next attempt", ordering="next_attempt_at")
    def next(self, delivery: Delivery) -> SafeString:
        pending = delivery.status == Delivery.Status.PENDING
        return formatting.ago(delivery.next_attempt_at, clock.now()) if pending else formatting.EMPTY


def _recipient(delivery: Delivery) -> str:
    """Return the recipient: an address, or the user of a chat delivery."""
    if delivery.channel != Delivery.Channel.CHAT:
        return delivery.target
    owner = delivery.schedule and delivery.schedule.owner
    return str(owner) if owner and str(owner.pk) == delivery.target else f"user {delivery.target}"
