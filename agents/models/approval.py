"""Approvals of tool calls and questions to people."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin
from django.db import models
from django.db.models import Q

from agents.models.transcript import Transcript
from agents.states import ApprovalKind, ApprovalStatus

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ANSWERS_FOR_ALL = "agents.answer_approval"

type Anybody = "User | AbstractBaseUser | AnonymousUser"


class ApprovalQuerySet(models.QuerySet["Approval"]):
    def open(self) -> "ApprovalQuerySet":
        return self.filter(status=ApprovalStatus.OPEN)

    def expired(self, now: datetime) -> "ApprovalQuerySet":
        """Return the open approvals whose deadline has passed."""
        return self.open().filter(expires_at__lte=now)

    def open_to(self, user: Anybody) -> "ApprovalQuerySet":
        """Exclude approvals in other users' conversations, which are private."""
        return self.filter(Q(message_id=None) | Q(user_id=user.pk))

    def of(self, user: Anybody) -> "ApprovalQuerySet":
        """Return the approvals that a user may see and answer: of their own agents; with permission, of all
        runs.
        """
        if isinstance(user, PermissionsMixin) and user.has_perm(ANSWERS_FOR_ALL):
            return self.open_to(user)
        return self.none() if user.pk is None else self.filter(user_id=user.pk)


class Approval(models.Model):
    """A tool call that waits for a person. The answer is bound to this call and its arguments.

    Only `agents.approvals.approvals` writes it. Ids are plain numbers: an approval can outlive its run.
    """

    transcript = models.ForeignKey(Transcript, models.CASCADE, related_name="approvals", db_index=False)
    call_id = models.CharField(max_length=200)
    turn = models.PositiveIntegerField(help_text="The reply that asked for the call.")
    tool = models.CharField(max_length=64)
    arguments = models.JSONField(default=dict)
    kind = models.CharField(max_length=12, choices=ApprovalKind)
    text = models.CharField(max_length=2000, help_text="The request, in one sentence.")
    card = models.JSONField(default=dict, help_text="The card shown: title, lines and warnings.")
    status = models.CharField(max_length=12, choices=ApprovalStatus, default=ApprovalStatus.OPEN)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="answered_approvals"
    )
    answer = models.TextField(blank=True, help_text="The text of the answer.")
    run_id = models.BigIntegerField(null=True, db_index=True)
    message_id = models.BigIntegerField(null=True, db_index=True)
    user_id = models.BigIntegerField(null=True, help_text="The person whose agent it is.")
    place = models.CharField(
        max_length=40,
        blank=True,
        help_text="The scope of a standing approval; empty: each call needs approval.",
    )
    fingerprint = models.CharField(
        max_length=64, blank=True, help_text="Hash of the tool's description and schema."
    )
    by_standing_approval = models.BooleanField(default=False, help_text="A standing approval allowed it.")

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "inbox"
        ordering = ["-asked_at", "-pk"]
        permissions = [("answer_approval", "Can answer approval requests of all agents")]
        constraints = [
            # Starts with the transcript, which therefore needs no index of its own.
            models.UniqueConstraint(fields=["transcript", "call_id"], name="approval_once_per_call"),
            models.CheckConstraint(
                condition=Q(status=ApprovalStatus.OPEN, answered_at__isnull=True)
                | (~Q(status=ApprovalStatus.OPEN) & Q(answered_at__isnull=False)),
                name="approval_resolved_has_its_moment",
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(status="open"), name="approval_open"),
            models.Index(fields=["user_id", "status"], name="approval_by_user"),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def is_open(self) -> bool:
        return self.status == ApprovalStatus.OPEN
