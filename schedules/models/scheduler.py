"""Which scheduler processes are alive."""

from datetime import datetime, timedelta

from django.db import models

SEEN_EVERY_SEC = 5
ALIVE_SEC = 20  # missing three times in a row is being gone


class SchedulerQuerySet(models.QuerySet["Scheduler"]):
    def alive(self, now: datetime) -> "SchedulerQuerySet":
        return self.filter(seen_at__gt=now - timedelta(seconds=ALIVE_SEC))

    def executing(self) -> "SchedulerQuerySet":
        return self.filter(executes=True)


class Scheduler(models.Model):
    """The heartbeat of one `runscheduler` process; the row goes when the process leaves in good order."""

    holder = models.CharField(max_length=120, unique=True)
    host = models.CharField(max_length=80)
    pid = models.PositiveIntegerField()
    executes = models.BooleanField(default=True, help_text="False: started with --no-execute.")
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)
    event_loop_lag_ms = models.FloatField(null=True, help_text="p99 over the last minute.")
    rss_mb = models.FloatField(null=True)

    objects = SchedulerQuerySet.as_manager()

    class Meta:
        ordering = ["-seen_at"]

    def __str__(self) -> str:
        return self.holder
