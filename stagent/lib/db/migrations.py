"""Compares the migrations of this code with those applied to the database."""

from collections.abc import Collection
from functools import cache

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


def missing_migrations() -> list[tuple[str, str]]:
    """Return the migrations that are not applied, as (app, name)."""
    return sorted(_on_disk() - MigrationRecorder(connection).applied_migrations().keys())


def missing_migrations_message(migrations: list[tuple[str, str]]) -> str:
    """Return how many are missing, the first one, and the command that applies them."""
    return f"{len(migrations)} not applied, {'.'.join(migrations[0])} the first; manage.py migrate"


def unknown_migrations(labels: Collection[str]) -> list[tuple[str, str]]:
    """Return the applied migrations of these apps that this code does not have."""
    applied = MigrationRecorder(connection).applied_migrations().keys()
    return sorted(key for key in applied - _on_disk() if key[0] in labels)


@cache
def _on_disk() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)
