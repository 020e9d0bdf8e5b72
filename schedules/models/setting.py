"""Values saved in the admin; `schedules.conf` reads them after the environment."""

from django.db import models


class Setting(models.Model):
    key = models.CharField(max_length=60, primary_key=True)
    value = models.CharField(max_length=60)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return f"{self.key}={self.value}"
