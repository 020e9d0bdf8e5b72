"""The circuit breaker of each provider, shared by all processes."""

from datetime import datetime

from django.db import models
from django.db.models import Q

MAX_DETAIL_CHARS = 500


class ProviderQuerySet(models.QuerySet["Provider"]):
    def blocked(self, now: datetime) -> "ProviderQuerySet":
        """Filter providers that may not be called now: breaker open, probe running, or asked to wait."""
        return self.filter(Q(open_until__gt=now) | Q(probe_until__gt=now) | Q(blocked_until__gt=now))


class Provider(models.Model):
    """The breaker of a provider, and until when it asked to wait."""

    name = models.CharField(
        max_length=200, unique=True, help_text="Runtime and address, for example anthropic."
    )
    open_until = models.DateTimeField(
        null=True, blank=True, help_text="The breaker is open until one probe may try."
    )
    probe_until = models.DateTimeField(
        null=True, blank=True, help_text="The one probe has until then to succeed."
    )
    opened_at = models.DateTimeField(null=True, blank=True)
    open_reason = models.CharField(max_length=40, blank=True)
    open_detail = models.CharField(max_length=MAX_DETAIL_CHARS, blank=True)
    trips = models.PositiveIntegerField(default=0, help_text="Failed probes in a row; each doubles the wait.")
    failures = models.PositiveIntegerField(
        default=0, help_text="Failures in a row that may pass by themselves; the third opens the breaker."
    )
    blocked_until = models.DateTimeField(
        null=True, blank=True, help_text="A 429 or 529 asked for this much patience."
    )

    objects = ProviderQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
