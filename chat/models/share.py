"""Links by which users of this installation read a conversation."""

import secrets
from datetime import datetime

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q

from chat.models.conversation import TITLE_CHARS, Conversation
from chat.models.message import Message

NONCE_CHARS = 43


def nonce() -> str:
    """Return a random part of the link's signature."""
    return secrets.token_urlsafe(32)


class ShareQuerySet(models.QuerySet["Share"]):
    def of(self, owner: User) -> "ShareQuerySet":
        """Filter by the conversation's owner, without deleted conversations."""
        return self.filter(conversation__owner=owner, conversation__deleted_at=None)

    def open(self, now: datetime) -> "ShareQuerySet":
        """Filter links that work now."""
        lasting = Q(expires_at=None) | Q(expires_at__gt=now)
        return self.filter(lasting, conversation__deleted_at=None, conversation__owner__is_active=True)


class Share(models.Model):
    """A shared branch up to `head`, with its title at that time; `sharing` signs the address."""

    conversation = models.OneToOneField(Conversation, models.CASCADE, related_name="share")
    head = models.ForeignKey(Message, models.CASCADE, related_name="+", help_text="The last message shown.")
    title = models.CharField(max_length=TITLE_CHARS, blank=True)
    nonce = models.CharField(max_length=NONCE_CHARS, default=nonce)
    shared_at = models.DateTimeField(help_text="The time of the shown state.")
    expires_at = models.DateTimeField(null=True, help_text="Empty: until it is revoked.")

    objects = ShareQuerySet.as_manager()

    class Meta:
        verbose_name = "shared link"
        verbose_name_plural = "shared links"

    def __str__(self) -> str:
        return f"link to {self.conversation}"
