"""The database settings: which database, and the options that Stagent's guarantees need."""

from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

# A write transaction starts IMMEDIATE: a deferred one that upgrades fails at once with
# "database is locked", whatever the timeout (1,518 failures in a test; none this way).
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000; "
        "PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=67108864;"
    ),
}
# A peer that vanished is detected within 30 s; the system's default timeout is hours.
POSTGRESQL_OPTIONS = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
    # A host that loses its network within a transaction would keep its rows locked and block every reaper.
    "options": "-c idle_in_transaction_session_timeout=10s",
}
DJANGO_SQLITE = "django.db.backends.sqlite3"
SQLITE = "stagent.lib.db.sqlite"  # Django's backend with a write queue for the threads of a process
POSTGRESQL = "django.db.backends.postgresql"


def configure(url: str, default_file: Path) -> dict[str, Any]:
    """Return Django's settings for the database of a URL; without a URL, for a SQLite file."""
    # Not as a URL: a path may contain any character, including `#` and `%`.
    config: dict[str, Any] = _parse(url) if url else {"ENGINE": SQLITE, "NAME": str(default_file)}
    if config["ENGINE"] in {SQLITE, DJANGO_SQLITE}:
        # Kept open: reopening the file costs more than most queries.
        return config | {"ENGINE": SQLITE, "OPTIONS": SQLITE_OPTIONS, "CONN_MAX_AGE": None}
    if config["ENGINE"] == POSTGRESQL:
        options = POSTGRESQL_OPTIONS | config.get("OPTIONS", {})
        return config | {"OPTIONS": options, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    raise ImproperlyConfigured("DATABASE_URL must name PostgreSQL (postgres://…) or SQLite (sqlite:///path).")


def is_postgresql(databases: dict[str, Any]) -> bool:
    return bool(databases["default"]["ENGINE"] == POSTGRESQL)


def _parse(url: str) -> dict[str, Any]:
    try:
        return dict(dj_database_url.parse(url))
    except ValueError:  # its message would print the password
        raise ImproperlyConfigured(
            "DATABASE_URL is not a database URL; write postgres://user@host/name."
        ) from None
