"""Files of the chat.

They are stored in the database, not in a folder: the web processes and reply workers of several hosts share
nothing else. A backup of the database includes them, and a file changes in the transaction of its message.
"""

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q

from chat.models.message import Message
from chat.states import FileKind


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    def of(self, owner: User) -> "AttachmentQuerySet":
        """Filter by the user who uploaded them."""
        return self.filter(owner=owner)

    def unsent(self) -> "AttachmentQuerySet":
        return self.filter(sent_at=None)

    def forgotten(self, before: datetime) -> "AttachmentQuerySet":
        """Filter files that were uploaded before a moment and never sent."""
        return self.unsent().filter(created_at__lt=before)


class Attachment(models.Model):
    """A file without its bytes, which are its `content`. Without `sent_at` no message has it yet."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=8, choices=FileKind)
    media_type = models.CharField(max_length=40)
    size = models.PositiveIntegerField(help_text="In bytes.")
    width = models.PositiveIntegerField(null=True, help_text="Of an image, in pixels.")
    height = models.PositiveIntegerField(null=True)
    tokens = models.PositiveIntegerField(null=True, help_text="Estimated input tokens.")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=Q(size__gt=0), name="attachment_is_never_empty"),
        ]
        indexes = [
            models.Index(fields=["created_at"], condition=Q(sent_at=None), name="attachment_unsent"),
        ]

    def __str__(self) -> str:
        return f"attachment {self.pk}"  # only its owner can see its name


class Content(models.Model):
    """The bytes of a file, in a separate table, so that listing files reads none of them."""

    attachment = models.OneToOneField(Attachment, models.CASCADE, primary_key=True)
    data = models.BinaryField()

    def __str__(self) -> str:
        return f"content {self.pk}"


class MessageAttachment(models.Model):
    """A file of a message. An edited message is a new branch and can have the same file."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="enclosures", db_index=False)
    attachment = models.ForeignKey(Attachment, models.CASCADE, related_name="enclosures")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["message", "position"]
        constraints = [
            # Its index also finds the files of a message, in their order.
            models.UniqueConstraint(fields=["message", "position"], name="enclosure_has_its_place"),
        ]

    def __str__(self) -> str:
        return f"{self.attachment_id} with {self.message_id}"
