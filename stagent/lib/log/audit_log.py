"""The admin log: changes by a user, or by a program on a user's behalf."""

from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Model

__all__ = ["ADDITION", "CHANGE", "DELETION", "record"]


def record(user: AbstractBaseUser | None, row: Model, flag: int, message: str) -> None:
    """Log a change of a row; without a user nothing is logged."""
    if user is not None:
        rows: Any = [row]  # any iterable works, and a deleted row has no queryset
        LogEntry.objects.log_actions(user.pk, rows, flag, change_message=message)
