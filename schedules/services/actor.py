"""The user who acts and their entry point; every change is written to the audit log."""

from dataclasses import dataclass
from typing import cast

from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest

from stagent.lib.log import audit_log
from stagent.lib.problems import Problem


@dataclass(frozen=True)
class Actor:
    """A user and the entry point they use, for example "the API"."""

    user: User
    entry_point: str

    @classmethod
    def of(cls, request: HttpRequest) -> "Actor":
        """Return the user of an authenticated request."""
        return cls(cast(User, request.user), "the API")

    def __str__(self) -> str:
        return f"{self.user.get_username()} through {self.entry_point}"

    def must_have(self, permission: str) -> None:
        """Raise a 403 `Problem` without this permission of the app, for example change_schedule."""
        if not self.user.has_perm(f"schedules.{permission}"):
            raise Problem(403, "permission_denied", f"You need the permission schedules.{permission}.")

    def log(self, thing: Model, flag: int, message: str) -> None:
        """Write an entry to the admin's audit log."""
        audit_log.record(self.user, thing, flag, f"{message} Through {self.entry_point}.")
