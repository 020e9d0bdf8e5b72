"""The feed of a user: the event log of changes in all their conversations, followed by every open page."""

from django.conf import settings
from django.db import models

from agents.models import Transcript


class Feed(models.Model):
    """A user's feed; `token` is the writer token of its transcript, used by all processes."""

    owner = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="feed")
    transcript = models.OneToOneField(Transcript, models.PROTECT, related_name="feed")
    token = models.UUIDField()

    def __str__(self) -> str:
        return f"feed of {self.owner_id}"
