"""Who is being answered right now."""

from datetime import datetime

from django.db import models


class LiveStreamQuerySet(models.QuerySet["LiveStream"]):
    def live(self, now: datetime) -> "LiveStreamQuerySet":
        """Keep the rows whose lease has not run out: a crashed tab or server holds nothing back for long."""
        return self.filter(expires_at__gt=now)


class LiveStream(models.Model):
    """A leased row: somebody is being answered by this reply."""

    key = models.CharField(max_length=80, unique=True, help_text="What streams, for example message:42.")
    holder = models.CharField(max_length=120)
    token = models.UUIDField()
    ttl_sec = models.PositiveIntegerField(help_text="How long it lives without renewal.")
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    objects = LiveStreamQuerySet.as_manager()

    def __str__(self) -> str:
        return self.key
