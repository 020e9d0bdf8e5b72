"""The running scheduler and worker processes."""

from datetime import datetime, timedelta

from django.db import models

from stagent.lib.db.prepared import Param, Select
from stagent.lib.processes.process_id import is_dead as is_gone

SEEN_EVERY_SEC = 5
ALIVE_SEC = 20  # missing three times in a row is being gone
A_WORKER = models.Q(executes=True, claims=False)


class SchedulerQuerySet(models.QuerySet["Scheduler"]):
    def running(self, now: datetime) -> "list[Scheduler]":
        """Return the processes with a recent heartbeat that are not known to be dead, latest first."""
        seen = ALIVE(since=now - timedelta(seconds=ALIVE_SEC))
        return [one for one in seen if not one.is_dead(now)]


class Scheduler(models.Model):
    """The heartbeat of a process that claims or executes runs; it deletes the row when it exits in order."""

    holder = models.CharField(max_length=120, unique=True)
    host = models.CharField(max_length=80)
    pid = models.PositiveIntegerField()
    claims = models.BooleanField(
        default=True, db_default=True, help_text="False: a worker, or started with --no-execute."
    )
    executes = models.BooleanField(
        default=True, help_text="False: it hands runs over to workers, or --no-execute."
    )
    pools = models.CharField(
        max_length=300,
        blank=True,
        default="",
        db_default="",
        help_text="The pools whose runs a worker performs, with commas between; empty is all.",
    )
    zone_data = models.CharField(
        max_length=60, blank=True, default="", db_default="", help_text="Version of its time-zone data."
    )
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)
    event_loop_lag_ms = models.FloatField(null=True, help_text="p99 over the last minute.")
    database_wait_ms = models.FloatField(
        null=True, help_text="How long calls waited for a database thread, p99 over the last minute."
    )
    rss_mb = models.FloatField(null=True)
    cap = models.PositiveIntegerField(
        null=True, help_text="How many runs at once it claims up to, or performs."
    )
    cap_source = models.CharField(max_length=16, blank=True, default="", help_text="Where it has that from.")

    gaps = models.JSONField(
        default=list,
        db_default=[],
        blank=True,
        help_text="When it recorded nothing: beginning, end and cause; an empty cause: it did not run.",
    )

    objects = SchedulerQuerySet.as_manager()

    class Meta:
        ordering = ["-seen_at"]

    def __str__(self) -> str:
        return self.holder

    @property
    def is_worker(self) -> bool:
        """Whether it only executes runs claimed by schedulers."""
        return self.executes and not self.claims

    def is_dead(self, now: datetime) -> bool:
        """Return whether it missed a heartbeat and its local process is gone.

        Not before a heartbeat is missed: in containers that share a host name, a process id proves nothing.
        """
        silent = now - self.seen_at > timedelta(seconds=SEEN_EVERY_SEC + 1)
        return silent and is_gone(self.holder)


ALIVE = Select(Scheduler.objects.filter(seen_at__gt=Param("since", Scheduler.seen_at)).order_by("-seen_at"))
