"""Transcripts and their events."""

from django.db import models
from django.db.models import Q


class Transcript(models.Model):
    """The event log of one run or reply; only the holder of `writer_token` may append."""

    last_seq = models.PositiveIntegerField(default=0)
    writer_token = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"transcript {self.pk} ({self.last_seq} events)"


class Event(models.Model):
    """One event, numbered without gaps from 1 within its transcript."""

    # No index of its own: the unique constraint starts with it.
    transcript = models.ForeignKey(Transcript, models.CASCADE, related_name="events", db_index=False)
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=24)
    data = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        ordering = ["transcript", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["transcript", "seq"], name="event_seq_unique_in_transcript"),
            models.CheckConstraint(condition=Q(seq__gte=1), name="event_seq_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"
