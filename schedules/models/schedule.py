"""Schedules."""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q

from agents.models import Profile, Project
from agents.models.profile import MAX_TURNS
from agents.states import FailureReason
from schedules.models.slot import Pool
from schedules.states import MisfirePolicy, OverlapPolicy, ScheduleKind, ScheduleStatus
from schedules.timing.recurrence import Recurrence
from stagent.lib.names import LARGEST_INTEGER, validate_name

KEY_TAKEN = "Another schedule has this key."
ONE_SHOT_PATIENCE = timedelta(hours=24)  # how long a one-shot waits for its turn, its budget or a scheduler
NAME_CHARS = 120
LONGEST_REASON = 300  # why somebody paused, cancelled or forced something
PAUSED_ITSELF = "Paused itself"  # how the reason of a self-pause begins
KEY = r"^[A-Za-z0-9][A-Za-z0-9._/-]*$"


def install_zone() -> str:
    return settings.TIME_ZONE


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def active(self) -> "ScheduleQuerySet":
        return self.filter(status=ScheduleStatus.ACTIVE)

    def due(self, now: datetime) -> "ScheduleQuerySet":
        """Filter active schedules whose next firing is due and not deferred."""
        return self.active().filter(
            Q(deferred_until=None) | Q(deferred_until__lte=now), next_fire_at__lte=now
        )

    def paused_themselves(self) -> "ScheduleQuerySet":
        """Filter schedules that a streak paused and nobody resumed."""
        return self.filter(status=ScheduleStatus.PAUSED, paused_reason__startswith=PAUSED_ITSELF)


class Schedule(models.Model):
    """When to run, what, and within which limits; the tick turns its due instants into firings."""

    name = models.CharField(max_length=NAME_CHARS, validators=[validate_name])
    key = models.CharField(
        max_length=100,
        unique=True,
        null=True,
        blank=True,
        default=None,
        validators=[RegexValidator(KEY)],
        error_messages={"unique": KEY_TAKEN},
        help_text="Identifies the schedule in a schedule file, whatever its name.",
    )
    project = models.ForeignKey(Project, models.SET_NULL, null=True, blank=True)
    prompt = models.TextField()
    profile = models.ForeignKey(Profile, models.PROTECT)
    kind = models.CharField(max_length=12, choices=ScheduleKind, default=ScheduleKind.SCHEDULED)
    status = models.CharField(max_length=12, choices=ScheduleStatus, default=ScheduleStatus.ACTIVE)

    # When: exactly one of the three.
    cron = models.CharField(max_length=200, blank=True)
    every_sec = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(60), MaxValueValidator(LARGEST_INTEGER)]
    )
    at = models.DateTimeField("once, at", null=True, blank=True)
    interval = models.CharField(
        max_length=120, blank=True, help_text="The phrase that was entered, if it was one."
    )
    timezone = models.CharField("time zone", max_length=64, default=install_zone)
    anchor_at = models.DateTimeField(null=True, blank=True, help_text="The start of an interval in seconds.")
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    max_firings = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(LARGEST_INTEGER)]
    )
    jitter_sec = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(86_400)])
    active_from = models.TimeField(
        null=True, blank=True, help_text="Heartbeats: no firing before this time of day."
    )
    active_until = models.TimeField(
        null=True, blank=True, help_text="Heartbeats: no firing from this time of day on."
    )

    # Policies.
    overlap_policy = models.CharField(max_length=16, choices=OverlapPolicy, default=OverlapPolicy.SKIP)
    misfire_policy = models.CharField(max_length=12, choices=MisfirePolicy, default=MisfirePolicy.FIRE_ONCE)
    misfire_grace_sec = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(31_536_000)],
        help_text="Empty: half the period, between 2 minutes and 6 hours.",
    )
    max_retries = models.PositiveIntegerField(
        default=2,
        validators=[MaxValueValidator(10)],
        help_text="After failures not caused by the provider; those are limited by time.",
    )
    retry_delay_sec = models.PositiveIntegerField(
        "first retry after, seconds",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(3_600)],
        help_text="Doubled at each retry, with random jitter. Empty: 5 seconds.",
    )
    retry_horizon_sec = models.PositiveIntegerField(
        "retry for at most, seconds",
        null=True,
        blank=True,
        validators=[MinValueValidator(10), MaxValueValidator(604_800)],
        help_text="How long a run waits for an unavailable or overloaded provider. "
        "Empty: half the period, or one hour for one-time and manual runs.",
    )
    priority = models.SmallIntegerField(
        default=0,
        validators=[MinValueValidator(-10), MaxValueValidator(10)],
        help_text="-10 to 10; higher goes first.",
    )
    pool = models.ForeignKey(
        Pool, models.PROTECT, null=True, blank=True, help_text="Empty: only the global cap applies."
    )

    # Limits of one run.
    max_turns = models.PositiveIntegerField(
        "max agent steps per run",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_TURNS)],
        help_text="Empty: the limit of the profile, then the global default.",
    )
    max_turns_set_at = models.DateTimeField(null=True, blank=True, editable=False)
    max_run_duration_sec = models.PositiveIntegerField(
        "time limit, seconds",
        null=True,
        blank=True,
        validators=[MinValueValidator(10), MaxValueValidator(86_400)],
        help_text="Working time of one run; waiting does not count. Empty: the global default.",
    )
    max_cost_usd = models.DecimalField(
        "max cost per run, USD",
        max_digits=10,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )

    # Where results, warnings and self-pauses are told.
    deliver_to_chat = models.BooleanField(
        "deliver to chat",
        default=True,
        help_text="Results are delivered as unread messages to the owner's chat.",
    )
    webhook_url = models.URLField(blank=True, help_text="Results and self-pauses are sent here as JSON.")
    email = models.EmailField(blank=True, help_text="Results and self-pauses are sent here by email.")

    # Kept by the system.
    next_nominal_at = models.DateTimeField(null=True, blank=True, editable=False)
    next_fire_at = models.DateTimeField(null=True, blank=True, editable=False)
    next_dst_shifted = models.BooleanField(default=False, editable=False)
    deferred_until = models.DateTimeField(null=True, blank=True, editable=False)
    recorded_until = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="Every instant up to here has a firing, or is older than the current timing.",
    )
    last_fired_at = models.DateTimeField(null=True, blank=True, editable=False)
    firing_count = models.PositiveIntegerField(default=0, editable=False)
    suppression_count = models.PositiveIntegerField(default=0, editable=False)
    failure_streak = models.PositiveIntegerField(default=0, editable=False)
    turn_budget_breach_streak = models.PositiveIntegerField(default=0, editable=False)
    slow_streak = models.PositiveIntegerField(
        default=0, editable=False, help_text="Consecutive runs above 80 % of their time limit."
    )
    last_failure_reason = models.CharField(max_length=32, blank=True, choices=FailureReason, editable=False)
    last_turn_count = models.PositiveIntegerField(null=True, blank=True, editable=False)
    avg_turns_per_firing = models.FloatField(null=True, blank=True, editable=False)
    avg_duration_ms = models.FloatField(null=True, blank=True, editable=False)
    avg_is_lower_bound = models.BooleanField(
        default=False, editable=False, help_text="The last run was cut off at its limit."
    )
    paused_at = models.DateTimeField(null=True, editable=False, help_text="When it was last paused.")
    resumed_at = models.DateTimeField(null=True, editable=False, help_text="When it was last resumed.")
    paused_reason = models.CharField(max_length=LONGEST_REASON, blank=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        permissions = [
            ("force_run", "Can run a schedule beyond the cap"),
            ("run_schedule", "Can run a schedule now"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=(~Q(cron="") & Q(every_sec=None, at=None))
                | (Q(cron="", at=None) & Q(every_sec__isnull=False))
                | (Q(cron="", every_sec=None) & Q(at__isnull=False)),
                name="schedule_says_when_in_one_way",
            ),
            models.CheckConstraint(
                condition=Q(max_turns__isnull=True) | Q(max_turns__range=(1, MAX_TURNS)),
                name="schedule_max_turns_in_range",
            ),
            models.CheckConstraint(
                condition=Q(next_fire_at__isnull=True) | Q(next_fire_at__gte=F("next_nominal_at")),
                name="schedule_fires_at_or_after_its_instant",
            ),
            models.CheckConstraint(
                condition=~Q(status=ScheduleStatus.ACTIVE) | Q(next_fire_at__isnull=False),
                name="schedule_active_has_a_next_instant",
            ),
        ]
        indexes = [
            models.Index(fields=["next_fire_at"], condition=Q(status="active"), name="schedule_due"),
            models.Index(
                "deferred_until", condition=Q(deferred_until__isnull=False), name="schedule_deferred"
            ),
            models.Index(fields=["project", "status"], name="schedule_by_project"),
            models.Index(fields=["name", "id"], name="schedule_by_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def recurrence(self) -> Recurrence:
        return Recurrence(
            cron=self.cron,
            every_sec=self.every_sec,
            at=self.at,
            timezone=self.timezone,
            anchor=self.anchor_at,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
        )

    @property
    def firings_left(self) -> int | None:
        """Return how often it may still fire; None without a limit. A one-shot fires once."""
        if self.max_firings is None or self.at is not None:
            return None
        return max(0, self.max_firings - self.firing_count)

    @property
    def expires_at(self) -> datetime | None:
        """Return until when a one-shot may start; then it is missed. None for a recurrence."""
        return self.at + timedelta(seconds=self.jitter_sec) + ONE_SHOT_PATIENCE if self.at else None

    def grace(self, default: timedelta) -> timedelta:
        """Return how late an instant may fire and still be on time."""
        return default if self.misfire_grace_sec is None else timedelta(seconds=self.misfire_grace_sec)
