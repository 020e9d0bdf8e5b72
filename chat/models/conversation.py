"""A dialogue of one person with an agent."""

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q

from agents.models import Profile
from stagent.lib.names import one_line

TITLE_CHARS = 120
FOLDER_CHARS = 60
LONGEST_MODEL = 120


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def of(self, owner: User) -> "ConversationQuerySet":
        """Keep what this person owns and has not thrown away."""
        return self.filter(owner=owner, deleted_at=None)

    def listed(self) -> "ConversationQuerySet":
        return self.filter(archived_at=None)

    def unread(self) -> "ConversationQuerySet":
        """Keep those in which an answer came after the owner looked last."""
        return self.filter(Q(read_at=None) | Q(read_at__lt=F("answered_at")), answered_at__isnull=False)


class Conversation(models.Model):
    """A tree of messages; `head` is the last message of the branch that is shown."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="conversations")
    title = models.CharField(
        max_length=TITLE_CHARS, blank=True, validators=[one_line], help_text="Empty until something was said."
    )
    titled_by_hand = models.BooleanField(default=False)
    profile = models.ForeignKey(Profile, models.SET_NULL, null=True, blank=True)
    model = models.CharField(max_length=120, blank=True, help_text="Empty: the profile's.")
    head = models.ForeignKey("chat.Message", models.SET_NULL, null=True, blank=True, related_name="+")
    schedule_id = models.BigIntegerField(
        null=True, blank=True, help_text="The schedule whose results arrive here."
    )
    forked_from = models.ForeignKey("chat.Message", models.SET_NULL, null=True, blank=True, related_name="+")
    folder = models.CharField(
        max_length=FOLDER_CHARS,
        blank=True,
        validators=[one_line],
        help_text="There while something lies in it.",
    )
    pinned = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    active_at = models.DateTimeField(help_text="When something was said last.")
    answered_at = models.DateTimeField(null=True, blank=True, help_text="When an answer came last.")
    read_at = models.DateTimeField(null=True, blank=True, help_text="When its owner looked last.")
    archived_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="Thrown away; kept for a while.")

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering = ["-active_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "schedule_id"],
                condition=Q(schedule_id__isnull=False, deleted_at=None),
                name="conversation_once_per_schedule",
            ),
        ]
        indexes = [models.Index(fields=["owner", "-active_at"], name="conversation_by_owner")]

    def __str__(self) -> str:
        return f"conversation {self.pk}"  # the console shows this to others than its owner

    @property
    def unread(self) -> bool:
        return self.answered_at is not None and (self.read_at is None or self.read_at < self.answered_at)
