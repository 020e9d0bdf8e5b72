"""Counters that never fall, although the rows they are computed from are pruned."""

from django.db import models


class CounterTotal(models.Model):
    """What a source of figures came to up to a mark: a primary key, or a moment in microseconds.

    `ahead` is the newest mark at `ahead_at`. Counting goes up to there once that is long enough ago that
    no transaction is under way any more which could add a row below it.
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
