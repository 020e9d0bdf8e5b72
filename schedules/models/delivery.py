"""Messages to the outside, written in the transaction of their event."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from schedules.models.notice import Notice
from schedules.models.run import Run
from schedules.models.schedule import Schedule

LONGEST_ERROR = 300


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def due(self, now: datetime) -> "DeliveryQuerySet":
        return self.filter(status=Delivery.Status.PENDING, next_attempt_at__lte=now)


class Delivery(models.Model):
    """A result, warning, self-pause or notice for a webhook, a mailbox or the chat."""

    class Kind(models.TextChoices):
        RESULT = "result"
        SELF_PAUSE = "self_pause"
        WARNING = "warning"
        NOTICE = "notice"

    class Channel(models.TextChoices):
        WEBHOOK = "webhook"
        EMAIL = "email"
        CHAT = "chat"

    class Status(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed"
        NOT_SENT = "not_sent"  # there is no way to send it; `last_error` says why

    schedule = models.ForeignKey(Schedule, models.CASCADE, null=True, related_name="deliveries")
    notice = models.ForeignKey(Notice, models.CASCADE, null=True, related_name="deliveries")
    run = models.ForeignKey(Run, models.CASCADE, null=True, related_name="deliveries")
    kind = models.CharField(max_length=12, choices=Kind)
    channel = models.CharField(max_length=8, choices=Channel)
    target = models.CharField(max_length=300)
    payload = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    last_error = models.CharField(max_length=LONGEST_ERROR, blank=True)
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.CheckConstraint(
                condition=Q(schedule__isnull=False, notice=None) | Q(schedule=None, notice__isnull=False),
                name="delivery_of_a_schedule_or_a_notice",
            )
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"], condition=models.Q(status="pending"), name="delivery_due"
            )
        ]

    def __str__(self) -> str:
        where = "the chat page" if self.channel == self.Channel.CHAT else self.target
        return f"{self.kind.replace('_', ' ')} to {where}"
