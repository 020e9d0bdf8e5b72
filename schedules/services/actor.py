"""Who asks, what they may, and through which door; everything they change is in the admin log."""

from dataclasses import dataclass
from typing import cast

from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest

from stagent.lib.log import audit_log
from stagent.lib.problems import Problem


@dataclass(frozen=True)
class Actor:
    """A user at a door, for example "the API"."""

    user: User
    door: str

    @classmethod
    def of(cls, request: HttpRequest) -> "Actor":
        """Return who sent an authenticated request."""
        return cls(cast(User, request.user), "the API")

    def __str__(self) -> str:
        return f"{self.user.get_username()} through {self.door}"

    def must_have(self, permission: str) -> None:
        """Refuse whoever lacks a permission of this app, for example change_schedule."""
        if not self.user.has_perm(f"schedules.{permission}"):
            raise Problem(403, "permission_denied", f"You need the permission schedules.{permission}.")

    def note(self, thing: Model, flag: int, message: str) -> None:
        """Write what they did into the admin log."""
        audit_log.record(self.user, thing, flag, f"{message} Through {self.door}.")
