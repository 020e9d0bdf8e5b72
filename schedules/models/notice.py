"""Notices for operators, grouped by cause."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from schedules.models.schedule import Schedule

LONGEST_NOTICE = 600


class NoticeQuerySet(models.QuerySet["Notice"]):
    def open(self) -> "NoticeQuerySet":
        return self.filter(closed_at=None)

    def unseen(self) -> "NoticeQuerySet":
        """Filter open notices that nobody acknowledged."""
        return self.open().filter(acknowledged_at=None)


class Notice(models.Model):
    """A problem with one cause: delivered once, however often it occurs, until it is closed."""

    class Kind(models.TextChoices):
        BREAKER = "breaker", "breaker open"
        MISSED = "missed", "instants missed"
        NO_SCHEDULER = "no_scheduler", "no scheduler"
        SELF_PAUSE = "self_pause", "schedule paused itself"
        NEXT_FIRING = "next_firing", "next firing corrected"
        PROCESS = "process", "part of a process failed"
        ZONE_DATA = "zone_data", "time-zone data differs"

    kind = models.CharField(max_length=16, choices=Kind)
    cause = models.CharField(max_length=160)
    schedule = models.ForeignKey(
        Schedule,
        models.SET_NULL,
        null=True,
        related_name="notices",
        help_text="The schedule to run.",
    )
    text = models.CharField(max_length=LONGEST_NOTICE)
    count = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="acknowledged_notices"
    )
    acknowledged_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    until_id = models.BigIntegerField(default=0, help_text="The newest firing that is counted.")

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-last_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["cause"], condition=Q(closed_at=None), name="notice_open_once_per_cause"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.text}"
