"""Refuses to migrate a database of another version, before anything is applied."""

from typing import Any

from django.core.management import CommandError
from django.db.models.signals import pre_migrate

from stagent.lib.db.migrations import unknown_migrations

OURS = frozenset({"agents", "schedules", "chat", "stagent"})
REFUSED = (
    "This database was made by another version of Stagent: {app}.{name} is not one of its migrations. "
    "Use that version, or export its schedules (`manage.py schedules export`) into an empty database."
)


def check(**kwargs: Any) -> None:
    """Raise CommandError before anything is applied."""
    if unknown := unknown_migrations(OURS):
        app, name = unknown[0]
        raise CommandError(REFUSED.format(app=app, name=name))


def connect() -> None:
    pre_migrate.connect(check, dispatch_uid="migration guard")
