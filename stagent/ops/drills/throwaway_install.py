"""A throwaway install: its own database and data folder, the offline model, no other setting.

On PostgreSQL the role needs the right to create databases.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dj_database_url
import psycopg
from psycopg import sql

OWN = ("ANTHROPIC_", "SCHEDULE_", "CHAT_", "STAGENT_", "REDIS_URL", "ALLOWED_HOSTS", "DATABASE_URL", "DEBUG")


@contextmanager
def throwaway(**settings: str) -> Iterator[dict[str, str]]:
    """Create an install and yield the environment of its processes; delete it afterwards."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
    with tempfile.TemporaryDirectory(prefix="stagent-drill-") as folder, _database(folder) as url:
        mine = {
            "DJANGO_SETTINGS_MODULE": "stagent.settings",
            "STAGENT_DATA_DIR": folder,
            "DATABASE_URL": url,
            "LOG_LEVEL": "ERROR",
            "PYTHONUNBUFFERED": "1",
        }
        env = kept | mine | settings
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], env=env, check=True)
        yield env


@contextmanager
def _database(folder: str) -> Iterator[str]:
    asked = os.environ.get("DATABASE_URL", "")
    if not asked.startswith("postgres"):
        yield f"sqlite:///{folder}/drill.sqlite3"
        return
    name = f"stagent_drill_{os.getpid()}"
    _at(asked, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        base, _, query = asked.partition("?")
        yield f"{base.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")
    finally:
        _at(asked, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _at(url: str, statement: sql.Composed) -> None:
    server = dj_database_url.parse(url)
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    given: dict[str, Any] = {name: server[key] for name, key in names.items() if server[key]}  # type: ignore[literal-required]
    with psycopg.connect(**given, autocommit=True) as link:
        link.execute(statement)
