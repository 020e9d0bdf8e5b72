"""Leased rows of the replies that are streaming, and their timings afterwards."""

from datetime import datetime

from django.db import models


class LiveStreamQuerySet(models.QuerySet["LiveStream"]):
    def live(self, now: datetime) -> "LiveStreamQuerySet":
        """Filter rows with a valid lease: a crashed process blocks scheduled work only briefly."""
        return self.filter(expires_at__gt=now)


class LiveStream(models.Model):
    """A leased row: this reply is streaming."""

    key = models.CharField(max_length=80, unique=True, help_text="What streams, for example message:42.")
    holder = models.CharField(max_length=120)
    token = models.UUIDField()
    ttl_sec = models.PositiveIntegerField(help_text="How long it lives without renewal.")
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    objects = LiveStreamQuerySet.as_manager()

    def __str__(self) -> str:
        return self.key


class StreamRecord(models.Model):
    """The result of one stream: when and why it ended, and how long its reader waited."""

    key = models.CharField(max_length=80, db_index=True, help_text="What streamed, for example message:42.")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(db_index=True)
    reason = models.CharField(max_length=32, help_text="Why it ended: completed, client_stop, timeout…")
    first_token_ms = models.PositiveIntegerField(
        null=True, help_text="From the sending to the first word, the waits for a person left out."
    )
    overhead_ms = models.PositiveIntegerField(
        null=True, help_text="The part of it that was ours: before the model was asked for the first time."
    )
    total_ms = models.PositiveIntegerField()

    class Meta:
        ordering = ["-ended_at", "-pk"]
        verbose_name = "chat stream"

    def __str__(self) -> str:
        return f"{self.key}: {self.reason}"
