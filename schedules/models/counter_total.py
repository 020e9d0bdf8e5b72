"""Counters that never fall, although the rows they are computed from are pruned."""

from django.db import models


class CounterTotal(models.Model):
    """The total of a source up to a mark: a primary key, or a moment in microseconds.

    `ahead` is the newest mark at `ahead_at`. Counting advances to it after a while, when no open transaction
    can add a row below it.
    """

    source = models.CharField(max_length=20, primary_key=True)
    mark = models.BigIntegerField(default=0)
    ahead = models.BigIntegerField(default=0)
    ahead_at = models.DateTimeField()
    totals = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "tallies"
        default_permissions = ()
        permissions = [("view_tally", "Can read /metrics")]

    def __str__(self) -> str:
        return self.source
