"""Firings: one row for every due instant, with the decision and the metrics of its run."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from agents.states import FailureReason
from schedules.models.schedule import Schedule
from schedules.states import FiringKind, Outcome

BY_RHYTHM = (FiringKind.SCHEDULED, FiringKind.HEARTBEAT)  # what records the instants of a rhythm


def reaching(moment: datetime) -> Q:
    """Filter firings with an instant at or after a moment; a row for several ends at its last one."""
    return Q(nominal_at__gte=moment) | Q(last_nominal_at__gte=moment)


# Of a firing that is over: a person stopped its run, while it ran or before it began. That is no failure.
LONGEST_OUTCOME = 400  # room for a person's reason behind a word of ours, or for a note behind it
CANCELLED = Q(failure_reason=FailureReason.ABORTED) | Q(failure_reason="", duration_ms=None)


class FiringQuerySet(models.QuerySet["Firing"]):
    def of_recurrence(self) -> "FiringQuerySet":
        return self.filter(kind__in=BY_RHYTHM)

    def reaching(self, moment: datetime) -> "FiringQuerySet":
        return self.filter(reaching(moment))

    def fired(self) -> "FiringQuerySet":
        return self.filter(outcome=Outcome.FIRED)

    def since(self, moment: datetime) -> "FiringQuerySet":
        return self.filter(nominal_at__gte=moment)


class Firing(models.Model):
    """A due instant of a schedule; `count` instants if one row covers several."""

    schedule = models.ForeignKey(Schedule, models.SET_NULL, null=True, related_name="firings")
    schedule_name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=FiringKind)
    nominal_at = models.DateTimeField()
    outcome = models.CharField(max_length=20, choices=Outcome)
    reason = models.CharField(max_length=LONGEST_OUTCOME, blank=True)
    count = models.PositiveIntegerField(default=1)
    last_nominal_at = models.DateTimeField(
        null=True, help_text="The last of several instants; nominal_at is the first. Empty: there is one."
    )
    recorded_at = models.DateTimeField(null=True, help_text="When it was decided, by the clock that decided.")
    dst_shifted = models.BooleanField(default=False)

    # Metrics. Empty means "did not happen (yet)"; none is ever a placeholder.
    due_at = models.DateTimeField(help_text="The nominal instant and its jitter.")
    fired_at = models.DateTimeField(null=True)
    slot_claimed_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    slot_wait_ms = models.PositiveBigIntegerField(null=True)
    deferral_ms = models.PositiveBigIntegerField(null=True)
    duration_ms = models.PositiveBigIntegerField(null=True)
    turn_count = models.PositiveIntegerField(null=True)
    max_turns_at_firing = models.PositiveIntegerField(null=True)
    input_tokens = models.PositiveBigIntegerField(null=True)
    output_tokens = models.PositiveBigIntegerField(null=True)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=8, null=True)
    event_loop_lag_ms = models.FloatField(null=True, help_text="p99 while it ran.")
    peak_rss_mb = models.FloatField(null=True)
    chat_streams_active = models.PositiveIntegerField(null=True, help_text="When it claimed its slot.")
    concurrent_runs = models.PositiveIntegerField(
        null=True, help_text="When it claimed its slot, itself included."
    )
    failure_reason = models.CharField(max_length=32, blank=True, choices=FailureReason)

    objects = FiringQuerySet.as_manager()

    class Meta:
        ordering = ["-nominal_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["schedule", "nominal_at", "kind"], name="firing_once_per_instant"
            ),
            models.CheckConstraint(condition=Q(count__gte=1), name="firing_explains_something"),
            models.CheckConstraint(
                condition=Q(last_nominal_at=None) | Q(last_nominal_at__gte=F("nominal_at")),
                name="firing_ends_after_it_begins",
            ),
        ]
        indexes = [
            models.Index(fields=["nominal_at"], name="firing_by_instant"),
            models.Index(
                fields=["last_nominal_at"],
                condition=Q(last_nominal_at__isnull=False),
                name="firing_by_last_instant",
            ),
            models.Index(fields=["outcome", "nominal_at"], name="firing_by_outcome"),
            # Not of the failed ones alone: SQLite would not use it for a reason that is asked for.
            models.Index(fields=["failure_reason", "nominal_at"], name="firing_by_failure"),
        ]

    def __str__(self) -> str:
        return f"{self.schedule_name} at {self.nominal_at:%Y-%m-%d %H:%M} {self.outcome}"

    @property
    def has_unknown_cost(self) -> bool:
        """Whether its run used a model whose price was not known."""
        return self.cost_usd is None and bool(self.turn_count)

    @property
    def was_cancelled(self) -> bool:
        """Whether a person cancelled its run; `CANCELLED` for one row."""
        if self.completed_at is None:
            return False
        return self.failure_reason == FailureReason.ABORTED or (
            self.duration_ms is None and not self.failure_reason
        )
