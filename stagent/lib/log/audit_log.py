"""The admin log: what a person, or a program in their name, changed."""

from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Model

__all__ = ["ADDITION", "CHANGE", "DELETION", "record"]


def record(user: AbstractBaseUser | None, thing: Model, flag: int, message: str) -> None:
    """Write what became of a thing; nobody's doing is not written."""
    if user is not None:
        things: Any = [thing]  # any iterable of rows will do, and a deleted one has no queryset any more
        LogEntry.objects.log_actions(user.pk, things, flag, change_message=message)
