"""Runs: one piece of agent work and its lifecycle."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.functional import cached_property

from agents.failure_policies import Sample
from agents.models import Approval, Profile, Project, Transcript
from agents.spending import budgets
from agents.states import FailureReason
from schedules.models import statistics_filter
from schedules.models.firing import Firing
from schedules.models.schedule import LONGEST_REASON, Schedule
from schedules.states import FINISHED, UNFINISHED, RunStatus, Source

LONGEST_DETAIL = 500
UNADOPTED = ""  # the holder of a run that a web process claimed and no scheduler took over yet


class RunQuerySet(models.QuerySet["Run"]):
    def queued(self) -> "RunQuerySet":
        return self.filter(status=RunStatus.QUEUED)

    def running(self) -> "RunQuerySet":
        return self.filter(status=RunStatus.RUNNING)

    def waiting(self) -> "RunQuerySet":
        """Filter runs that wait for a person's answer."""
        return self.filter(status=RunStatus.WAITING)

    def under_way(self) -> "RunQuerySet":
        """Filter runs that others of their schedule must not overlap."""
        return self.filter(status__in=(RunStatus.RUNNING, RunStatus.WAITING))

    def answered(self) -> "RunQuerySet":
        """Filter waiting runs without open approvals."""
        open_approvals = Approval.objects.open().filter(transcript=OuterRef("transcript"))
        return self.waiting().exclude(Exists(open_approvals))

    def worked(self) -> "RunQuerySet":
        """Filter runs that count for statistics; some are lower bounds."""
        return self.filter(statistics_filter.condition(Sample.WHOLE, Sample.LOWER_BOUND))

    def worked_to_the_end(self) -> "RunQuerySet":
        """Filter runs whose numbers are not lower bounds."""
        return self.filter(statistics_filter.condition(Sample.WHOLE))

    def unfinished(self) -> "RunQuerySet":
        return self.filter(status__in=UNFINISHED)

    def expired(self, now: datetime) -> "RunQuerySet":
        """Filter running runs whose lease has expired."""
        return self.running().filter(lease_expires_at__lte=now)

    def held_by(self, holder: str) -> "RunQuerySet":
        return self.running().filter(holder=holder)

    def unadopted(self) -> "RunQuerySet":
        return self.running().filter(holder=UNADOPTED)


class Run(models.Model):
    """A run of a schedule. Only `schedules.transitions` writes its status, lease and slot."""

    schedule = models.ForeignKey(Schedule, models.SET_NULL, null=True, related_name="runs")
    schedule_name = models.CharField(max_length=120)
    firing = models.OneToOneField(Firing, models.SET_NULL, null=True, related_name="run")
    profile = models.ForeignKey(Profile, models.PROTECT)
    project = models.ForeignKey(Project, models.SET_NULL, null=True)
    transcript = models.OneToOneField(Transcript, models.PROTECT, related_name="run")
    prompt = models.TextField()
    source = models.CharField(max_length=12, choices=Source)
    forced = models.BooleanField(default=False)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    idempotency_key = models.CharField(max_length=200, null=True, unique=True)
    pool = models.SlugField(blank=True, help_text="A concurrency pool beside the global cap.")

    status = models.CharField(max_length=12, choices=RunStatus, default=RunStatus.QUEUED)
    failure_reason = models.CharField(max_length=32, blank=True, choices=FailureReason)
    failure_kind = models.CharField(
        max_length=32, blank=True, help_text="The failure kind; a row of agents.failure_policies."
    )
    failure_detail = models.CharField(max_length=LONGEST_DETAIL, blank=True)
    attempt = models.PositiveIntegerField(default=0, help_text="Number of counted claims.")
    lost_count = models.PositiveIntegerField(default=0, help_text="Number of lost workers.")
    retry_count = models.PositiveIntegerField(default=0, help_text="Retries that count towards max_retries.")
    max_retries = models.PositiveIntegerField(default=2)
    provider_retries = models.PositiveIntegerField(
        default=0, help_text="Retries since the provider last answered it; only their time is limited."
    )
    retry_until = models.DateTimeField(
        null=True, help_text="It fails if the provider has not answered by then; set by the first failure."
    )
    retry_kind = models.CharField(max_length=32, blank=True)
    retry_detail = models.CharField(max_length=LONGEST_DETAIL, blank=True, help_text="Why it is retried.")

    # The queue.
    priority = models.SmallIntegerField(default=0)
    queued_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="Deferral for chat and the queue deadline count from here.")
    claim_order = models.DateTimeField(help_text="Queueing time less the head start of its priority.")
    not_before = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True, help_text="Cancelled if it is still queued then.")

    # The lease.
    token = models.UUIDField(null=True)
    holder = models.CharField(max_length=120, blank=True)
    slot = models.CharField(max_length=70, blank=True, help_text="Pool and number of the slot it holds.")
    slot_claimed_at = models.DateTimeField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True, help_text="The first claim.")
    waiting_since = models.DateTimeField(null=True, help_text="Since when it waits for a person.")
    deadline_at = models.DateTimeField(
        null=True, help_text="When its working time is used up if it works on from now; empty while it waits."
    )
    worked_ms = models.PositiveBigIntegerField(
        default=0, help_text="In model calls and tools, over all attempts; what its time limit counts."
    )
    finished_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_reason = models.CharField(max_length=LONGEST_REASON, blank=True)

    # Limits, copied when it was queued; empty means the profile's, then the global default.
    max_turns = models.PositiveIntegerField(null=True)
    max_run_duration_sec = models.PositiveIntegerField(null=True)
    max_cost_usd = models.DecimalField(max_digits=10, decimal_places=4, null=True)

    # What came of it.
    turn_count = models.PositiveIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    result = models.TextField(blank=True)
    result_partial = models.BooleanField(default=False)
    report = models.JSONField(null=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-queued_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status=RunStatus.RUNNING)
                | Q(token__isnull=False, lease_expires_at__isnull=False, slot_claimed_at__isnull=False)
                & ~Q(slot=""),
                name="run_running_has_slot_lease_and_token",
            ),
            models.CheckConstraint(
                condition=Q(status=RunStatus.RUNNING)
                | Q(token__isnull=True, lease_expires_at__isnull=True, slot=""),
                name="run_not_running_holds_nothing",
            ),
            models.CheckConstraint(
                condition=Q(status=RunStatus.WAITING, waiting_since__isnull=False)
                | (~Q(status=RunStatus.WAITING) & Q(waiting_since__isnull=True)),
                name="run_waiting_since_a_moment",
            ),
            models.CheckConstraint(
                condition=Q(status__in=FINISHED, finished_at__isnull=False)
                | Q(status__in=UNFINISHED, finished_at__isnull=True),
                name="run_finished_has_its_moment",
            ),
            models.CheckConstraint(
                condition=(Q(status=RunStatus.FAILED) & ~Q(failure_reason="")) | ~Q(status=RunStatus.FAILED),
                name="run_failed_has_a_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "claim_order", "id"], name="run_queue"),
            models.Index(
                fields=["status", "claim_order", "id"], condition=Q(forced=True), name="run_forced_queue"
            ),
            models.Index(fields=["lease_expires_at"], condition=Q(status="running"), name="run_leases"),
            models.Index(fields=["schedule", "-queued_at"], name="run_by_schedule"),
            models.Index(fields=["status", "-queued_at"], name="run_by_status"),
            models.Index(fields=["finished_at"], name="run_by_end"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk} of {self.schedule_name}"

    def time_limit(self, default_sec: int) -> timedelta:
        return timedelta(seconds=self.max_run_duration_sec or default_sec)

    def time_left(self, default_sec: int) -> timedelta:
        """Return the remaining working time, as stored."""
        return max(timedelta(), self.time_limit(default_sec) - timedelta(milliseconds=self.worked_ms))

    def worked(self, now: datetime, default_sec: int) -> timedelta:
        """Return the working time; a running run counts as working since it was last stored."""
        noted = timedelta(milliseconds=self.worked_ms)
        if self.status != RunStatus.RUNNING or self.deadline_at is None:
            return noted
        return max(noted, self.time_limit(default_sec) - (self.deadline_at - now))

    @cached_property
    def unpriced_turns(self) -> int:
        """The number of steps without a known price; `cost_usd` does not include them."""
        return budgets.unpriced("run_id", [self.pk])[self.pk]

    @property
    def known_cost(self) -> Decimal | None:
        """The cost in USD; None if the price of a step is unknown."""
        return None if self.unpriced_turns else self.cost_usd

    @property
    def finished(self) -> bool:
        return self.status in FINISHED

    @property
    def suppressed(self) -> bool:
        """Whether it is a heartbeat without news: recorded, not delivered."""
        return (
            self.source == Source.HEARTBEAT
            and self.report is not None
            and not self.report.get("changed", True)
        )
