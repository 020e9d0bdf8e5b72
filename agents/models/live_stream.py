"""Leases of the replies that are streaming, and the timings of finished ones."""

from datetime import datetime

from django.db import models


class LiveStreamQuerySet(models.QuerySet["LiveStream"]):
    def live(self, now: datetime) -> "LiveStreamQuerySet":
        """Return streams whose lease has not expired: a crashed process blocks scheduled work only
        briefly.
        """
        return self.filter(expires_at__gt=now)


class LiveStream(models.Model):
    """The lease of a streaming reply."""

    key = models.CharField(max_length=80, unique=True, help_text="The stream, for example message:42.")
    holder = models.CharField(max_length=120)
    token = models.UUIDField()
    ttl_sec = models.PositiveIntegerField(help_text="Duration of the lease.")
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    objects = LiveStreamQuerySet.as_manager()

    def __str__(self) -> str:
        return self.key


class StreamRecord(models.Model):
    """The end and timings of one stream."""

    key = models.CharField(max_length=80, db_index=True, help_text="The stream, for example message:42.")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(db_index=True)
    reason = models.CharField(max_length=32, help_text="Why it ended: completed, client_stop, timeout…")
    first_token_ms = models.PositiveIntegerField(
        null=True, help_text="From sending to the first text, without waits for approval."
    )
    overhead_ms = models.PositiveIntegerField(null=True, help_text="The part before the first model call.")
    total_ms = models.PositiveIntegerField()

    class Meta:
        ordering = ["-ended_at", "-pk"]
        verbose_name = "chat stream"

    def __str__(self) -> str:
        return f"{self.key}: {self.reason}"
