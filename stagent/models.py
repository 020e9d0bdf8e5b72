"""API tokens, and stored answers to requests with an `Idempotency-Key`."""

import hashlib
import secrets
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q

from stagent.lib.db.prepared import Param
from stagent.lib.names import validate_name

PREFIX = "stagent_"  # so that secret scanners recognise a leaked token


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self, now: "datetime | Param") -> "ApiTokenQuerySet":
        """Filter valid tokens: not revoked, not expired, with an active user."""
        lasting = Q(expires_at=None) | Q(expires_at__gt=now)
        return self.filter(lasting, revoked_at=None, user__is_active=True)

    def issue(
        self, user: User, name: str, *, now: datetime, expires_at: datetime | None = None
    ) -> tuple["ApiToken", str]:
        """Create a token; return its row and, this one time, the secret."""
        secret = PREFIX + secrets.token_urlsafe(32)
        row = self.create(
            user=user, name=name, digest=digest_of(secret), created_at=now, expires_at=expires_at
        )
        return row, secret

    def revoke(self, now: datetime) -> int:
        """Revoke the tokens; return how many."""
        return self.filter(revoked_at=None).update(revoked_at=now)


class ApiToken(models.Model):
    """An API token of a user. Only a digest is stored."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    name = models.CharField(
        max_length=80, validators=[validate_name], help_text="What it is for, for example: backup script."
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False, help_text="To the minute.")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: it lasts until it is revoked.")
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.name


class IdempotencyKey(models.Model):
    """The answer to a POST with this `Idempotency-Key`, written in its transaction."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    request_digest = models.CharField(max_length=64)  # of method, path, query and body
    status = models.PositiveSmallIntegerField(default=0)
    content = models.TextField(default="")
    location = models.TextField(default="")
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="an_idempotency_key_is_used_once_by_a_user")
        ]

    def __str__(self) -> str:
        return self.key


def digest_of(secret: str) -> str:
    """Return the stored digest. A token is random and long, so one round of SHA-256 suffices."""
    return hashlib.sha256(secret.encode()).hexdigest()
