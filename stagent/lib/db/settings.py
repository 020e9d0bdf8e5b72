"""Which database, and the options that Stagent's promises rest on."""

from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

# A write transaction starts IMMEDIATE, because a deferred one that upgrades answers
# "database is locked" at once, whatever the timeout (1,518 of them in a test; none this way).
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000; "
        "PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=67108864;"
    ),
}
# A peer that vanished without a word is noticed within half a minute; the system's own patience is hours.
POSTGRESQL_OPTIONS = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
    # A host that is cut off within a transaction would keep its rows locked, and every reaper waiting.
    "options": "-c idle_in_transaction_session_timeout=10s",
}
DJANGOS_SQLITE = "django.db.backends.sqlite3"
SQLITE = "stagent.lib.db.sqlite"  # Django's, and the threads of a process stand in line to write
POSTGRESQL = "django.db.backends.postgresql"


def configure(url: str, default_file: Path) -> dict[str, Any]:
    """Return Django's settings for the database a URL names, or for a SQLite file without one."""
    # Not through a URL: a path may hold any character, `#` and `%` included.
    chosen: dict[str, Any] = _parsed(url) if url else {"ENGINE": SQLITE, "NAME": str(default_file)}
    if chosen["ENGINE"] in {SQLITE, DJANGOS_SQLITE}:
        # Kept open: reopening the file costs more than most queries, and nobody else closes it.
        return chosen | {"ENGINE": SQLITE, "OPTIONS": SQLITE_OPTIONS, "CONN_MAX_AGE": None}
    if chosen["ENGINE"] == POSTGRESQL:
        options = POSTGRESQL_OPTIONS | chosen.get("OPTIONS", {})
        return chosen | {"OPTIONS": options, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    raise ImproperlyConfigured("DATABASE_URL must name PostgreSQL (postgres://…) or SQLite (sqlite:///path).")


def is_postgresql(databases: dict[str, Any]) -> bool:
    """Tell whether the install's database is PostgreSQL."""
    return bool(databases["default"]["ENGINE"] == POSTGRESQL)


def _parsed(url: str) -> dict[str, Any]:
    try:
        return dict(dj_database_url.parse(url))
    except ValueError:  # its message would print the password
        raise ImproperlyConfigured(
            "DATABASE_URL is not a database URL; write postgres://user@host/name."
        ) from None
