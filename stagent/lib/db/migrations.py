"""Whether the database has seen the migrations of this code."""

from collections.abc import Collection
from functools import cache

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


def missing_migrations() -> list[tuple[str, str]]:
    """Return the migrations that were not applied, each as its app and its name."""
    return sorted(_on_disk() - MigrationRecorder(connection).applied_migrations().keys())


def missing_migrations_message(migrations: list[tuple[str, str]]) -> str:
    """Say how many are missing, and what to do."""
    return f"{len(migrations)} not applied, {'.'.join(migrations[0])} the first; manage.py migrate"


def unknown_migrations(labels: Collection[str]) -> list[tuple[str, str]]:
    """Return the applied migrations of these apps that this code does not have."""
    applied = MigrationRecorder(connection).applied_migrations().keys()
    return sorted(key for key in applied - _on_disk() if key[0] in labels)


@cache
def _on_disk() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)
