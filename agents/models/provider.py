"""The circuit breaker of each provider, shared by all processes."""

from datetime import datetime

from django.db import models
from django.db.models import Q

MAX_DETAIL_CHARS = 500


class ProviderQuerySet(models.QuerySet["Provider"]):
    def blocked(self, now: datetime) -> "ProviderQuerySet":
        """Return the providers that must not be called now: breaker open, a probe under way, or asked to
        wait.
        """
        return self.filter(Q(open_until__gt=now) | Q(probe_until__gt=now) | Q(blocked_until__gt=now))


class Provider(models.Model):
    """The breaker state of a provider, and the moment until which it asked to wait."""

    name = models.CharField(
        max_length=200, unique=True, help_text="Runtime and address, for example anthropic."
    )
    open_until = models.DateTimeField(
        null=True, blank=True, help_text="The breaker is open until then; then one probe is allowed."
    )
    probe_until = models.DateTimeField(null=True, blank=True, help_text="Deadline of the probe.")
    opened_at = models.DateTimeField(null=True, blank=True)
    open_reason = models.CharField(max_length=40, blank=True)
    open_detail = models.CharField(max_length=MAX_DETAIL_CHARS, blank=True)
    trips = models.PositiveIntegerField(default=0, help_text="Failed probes in a row; each doubles the wait.")
    failures = models.PositiveIntegerField(
        default=0, help_text="Temporary failures in a row; the third opens the breaker."
    )
    blocked_until = models.DateTimeField(
        null=True, blank=True, help_text="A 429 or 529 asked to wait until then."
    )

    objects = ProviderQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
