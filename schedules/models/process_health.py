"""The state of the threads and tasks of each process."""

from datetime import datetime, timedelta

from django.db import models

from stagent.lib.processes.process_id import is_dead

REPORT_EVERY_SEC = 20
SILENT_AFTER = timedelta(seconds=3 * REPORT_EVERY_SEC)


class ProcessHealth(models.Model):
    """The last report of one process; it deletes the row when it exits in order."""

    holder = models.CharField(max_length=120, unique=True)
    role = models.CharField(max_length=16, help_text="scheduler, worker, replies or web.")
    host = models.CharField(max_length=80)
    pid = models.PositiveIntegerField()
    seen_at = models.DateTimeField(db_index=True)
    parts = models.JSONField(
        default=list, help_text="Of each watched thread and task: name, state, restarts, error."
    )

    class Meta:
        ordering = ["role", "holder"]

    def __str__(self) -> str:
        return f"{self.role} {self.host}:{self.pid}"

    def is_over(self, now: datetime) -> bool:
        """Return whether the process has ended or has not reported for a minute."""
        return is_dead(self.holder) or self.seen_at < now - SILENT_AFTER
