"""Conversations of users with agents."""

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q

from agents.models import Profile
from stagent.lib.names import validate_name

TITLE_CHARS = 120
FOLDER_CHARS = 60
LONGEST_MODEL = 120


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def of(self, owner: User) -> "ConversationQuerySet":
        """Filter by owner, without deleted ones."""
        return self.filter(owner=owner, deleted_at=None)

    def listed(self) -> "ConversationQuerySet":
        return self.filter(archived_at=None)

    def unread(self) -> "ConversationQuerySet":
        """Filter those with a reply that the owner has not read."""
        return self.filter(Q(read_at=None) | Q(read_at__lt=F("answered_at")), answered_at__isnull=False)


class Conversation(models.Model):
    """A tree of messages; `head` is the last message of the shown branch."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="conversations")
    title = models.CharField(
        max_length=TITLE_CHARS,
        blank=True,
        validators=[validate_name],
        help_text="Empty until the first message.",
    )
    titled_by_hand = models.BooleanField(default=False)
    profile = models.ForeignKey(Profile, models.SET_NULL, null=True, blank=True)
    model = models.CharField(max_length=120, blank=True, help_text="Empty: the profile's.")
    head = models.ForeignKey("chat.Message", models.SET_NULL, null=True, blank=True, related_name="+")
    schedule_id = models.BigIntegerField(
        null=True, blank=True, help_text="The schedule whose results are delivered here."
    )
    forked_from = models.ForeignKey("chat.Message", models.SET_NULL, null=True, blank=True, related_name="+")
    folder = models.CharField(
        max_length=FOLDER_CHARS,
        blank=True,
        validators=[validate_name],
        help_text="Exists while it has a conversation.",
    )
    pinned = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    active_at = models.DateTimeField(help_text="Time of the last message.")
    answered_at = models.DateTimeField(null=True, blank=True, help_text="Time of the last reply.")
    read_at = models.DateTimeField(null=True, blank=True, help_text="Time when the owner last read it.")
    archived_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="Can be restored for 30 days.")

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
        return f"conversation {self.pk}"  # the console shows this to other users

    @property
    def unread(self) -> bool:
        return self.answered_at is not None and (self.read_at is None or self.read_at < self.answered_at)
