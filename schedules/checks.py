"""System checks for what would make schedules fire wrongly or silently; each has an id and a hint."""

import os
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.core.exceptions import ValidationError
from django.core.mail import mailers
from django.core.mail.backends import console
from django.core.validators import validate_email
from django.db import DatabaseError, connections

from schedules import conf
from schedules.models import Schedule
from schedules.timing.timezones import ZoneError, zone

SQLITE = {"django.db.backends.sqlite3", "stagent.lib.db.sqlite"}


@register()
def check_settings(**_: Any) -> list[CheckMessage]:
    """Check what needs no database."""
    return [*_time_zone(), *_sqlite(), *_misspelt(), *_addresses(), *_operators_mail()]


@register(Tags.database)
def check_database(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Check what needs the database, if it may be queried."""
    try:
        return [*_journals(databases or ()), *_mail(databases or ())]
    except DatabaseError:  # away, or before the first migration: migrate and readyz tell
        return []


def _time_zone() -> Iterator[CheckMessage]:
    try:
        zone(settings.TIME_ZONE)
    except ZoneError as error:
        hint = "Set TIME_ZONE to a name of the IANA database, like Europe/Berlin."
        yield Error(f"TIME_ZONE: {error}", hint=hint, id="schedules.E001")


def _sqlite() -> Iterator[CheckMessage]:
    """Check for WAL and immediate transactions: a deferred one that upgrades fails at once beside another
    writer.
    """
    for alias, database in settings.DATABASES.items():
        options = database.get("OPTIONS", {})
        sound = options.get("transaction_mode") == "IMMEDIATE" and _asks_for_wal(options)
        if database["ENGINE"] in SQLITE and not sound:
            says = f"The SQLite database {alias!r} is not opened with IMMEDIATE transactions and WAL."
            hint = "Let stagent.lib.db.settings.configure make its settings."
            yield Error(says, hint=hint, id="schedules.E002")


def _asks_for_wal(options: dict[str, Any]) -> bool:
    return "journal_mode=wal" in options.get("init_command", "").lower().replace(" ", "")


def _misspelt() -> Iterator[CheckMessage]:
    """Check for unknown settings: a misspelt one silently leaves its default."""
    for name in sorted(os.environ):
        if name.startswith("SCHEDULE_") and name not in conf.BY_NAME:
            meant = get_close_matches(name, conf.BY_NAME, n=1)
            hint = f"Did you mean {meant[0]}?" if meant else f"There are {', '.join(conf.BY_NAME)}."
            yield Caution(f"{name} in the environment is read by nobody.", hint=hint, id="schedules.W001")


def _addresses() -> Iterator[CheckMessage]:
    """Check that operator notices have a target."""
    for name, number in (("STAGENT_PUBLIC_URL", 2), ("STAGENT_NOTIFY_WEBHOOK", 4)):
        url = getattr(settings, name)
        if url and not is_web_address(url):
            hint = "Write it like https://stagent.example.org."
            yield Caution(f"{name}={url!r} is not an address.", hint=hint, id=f"schedules.W00{number}")


def is_web_address(url: str) -> bool:
    """Return whether a webhook can be posted there."""
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _operators_mail() -> Iterator[CheckMessage]:
    address = settings.STAGENT_NOTIFY_EMAIL
    if address and not is_mail_address(address):
        says = f"STAGENT_NOTIFY_EMAIL={address!r} is not a mail address."
        yield Caution(says, hint="Write one, like ops@example.org.", id="schedules.W005")
    elif address and has_no_mail_server():
        says = "STAGENT_NOTIFY_EMAIL is set, and mail goes to the log."
        yield Caution(says, hint="Set EMAIL_HOST to a mail server.", id="schedules.W006")


def is_mail_address(address: str) -> bool:
    """Return whether email can be sent there."""
    try:
        validate_email(address)
    except ValidationError:
        return False
    return True


NO_MAIL_SERVER = "No mail server is set up, so nothing is sent by e-mail. Set EMAIL_HOST."


def has_no_mail_server() -> bool:
    """Return whether there is no mail server."""
    return isinstance(mailers["default"], console.EmailBackend)


def _journals(databases: Sequence[str]) -> Iterator[CheckMessage]:
    """Some file systems (network shares) silently refuse WAL."""
    for alias in databases:
        connection = connections[alias]
        if connection.vendor != "sqlite":
            continue
        with connection.cursor() as cursor:
            mode = cursor.execute("PRAGMA journal_mode").fetchone()[0]
        if mode not in {"wal", "memory"}:
            hint = "Keep it on a local disk (STAGENT_DATA_DIR), or use PostgreSQL."
            yield Error(f"SQLite keeps a {mode} journal instead of WAL.", hint=hint, id="schedules.E003")


def _mail(databases: Sequence[str]) -> Iterator[CheckMessage]:
    if not databases or not has_no_mail_server():
        return
    if waiting := Schedule.objects.exclude(email="").count():
        says = f"{waiting} schedules want mail, and mail goes to the log."
        yield Caution(says, hint="Set EMAIL_HOST to a mail server.", id="schedules.W003")
