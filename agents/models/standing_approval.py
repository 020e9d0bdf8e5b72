"""Standing approvals: tools that a user always allows in one conversation or schedule, until revoked."""

from django.conf import settings
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q

from agents.models.approval import ANSWERS_FOR_ALL, Anybody

CONVERSATION, SCHEDULE = "conversation", "schedule"  # kinds of scopes


class StandingApprovalQuerySet(models.QuerySet["StandingApproval"]):
    def open_to(self, user: Anybody) -> "StandingApprovalQuerySet":
        """Exclude standing approvals in other users' conversations, which are private."""
        return self.filter(~Q(place__startswith=f"{CONVERSATION}:") | Q(user_id=user.pk))

    def of(self, user: Anybody) -> "StandingApprovalQuerySet":
        """Return those that a user may see and revoke: of their own agents; with permission, of all runs."""
        if isinstance(user, PermissionsMixin) and user.has_perm(ANSWERS_FOR_ALL):
            return self.open_to(user)
        return self.none() if user.pk is None else self.filter(user_id=user.pk)


class StandingApproval(models.Model):
    """One tool, with its definition at that time, for one user's agent in one conversation or schedule.

    Only `agents.approvals.standing` writes it. Scopes and users are plain values: it can outlive them.
    """

    place = models.CharField(max_length=40, help_text="conversation:12 or schedule:7.")
    tool = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64, help_text="Hash of the tool's description and schema.")
    user_id = models.BigIntegerField(help_text="The person whose agent it is.")
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="standing_approvals")
    given_at = models.DateTimeField()

    objects = StandingApprovalQuerySet.as_manager()

    class Meta:
        verbose_name = "standing approval"
        verbose_name_plural = "standing approvals"
        ordering = ["-given_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["place", "tool", "user_id"], name="standing_approval_once_per_scope"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool}, always in {self.place.replace(':', ' ')}"
