"""What is new over all conversations of a person: a log like a reply's, tailed by every open page."""

from django.conf import settings
from django.db import models

from agents.models import Transcript


class Feed(models.Model):
    """One person's news; `token` is the pen of its transcript, which everybody may take."""

    owner = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="feed")
    transcript = models.OneToOneField(Transcript, models.PROTECT, related_name="feed")
    token = models.UUIDField()

    def __str__(self) -> str:
        return f"feed of {self.owner_id}"
