"""Throwaway databases, with the environment of a production install."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

SERVER = os.environ.get("DATABASE_URL", "")
SERVER = SERVER if SERVER.startswith("postgres") else "postgres://postgres@127.0.0.1:5432/postgres"
COPY = "_copy"  # what the copy of a database is called


class SQLite:
    name = "SQLite"

    @staticmethod
    def there() -> bool:
        return True

    @staticmethod
    @contextmanager
    def made(folder: Path) -> Iterator[str]:
        yield f"sqlite:///{folder}/bench.sqlite3"


class PostgreSQL:
    name = "PostgreSQL"

    @staticmethod
    def there() -> bool:
        try:
            psycopg.connect(SERVER, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    @staticmethod
    @contextmanager
    def made(folder: Path) -> Iterator[str]:
        name = f"stagent_bench_{os.getpid()}"
        at_server(f'CREATE DATABASE "{name}"')
        try:
            yield SERVER.rpartition("/")[0] + f"/{name}"
        finally:
            for one in (name, name + COPY):
                at_server(f'DROP DATABASE IF EXISTS "{one}" WITH (FORCE)')


type Database = type[SQLite] | type[PostgreSQL]
DATABASES: tuple[Database, ...] = (SQLite, PostgreSQL)


@contextmanager
def temporary(database: Database) -> Iterator[dict[str, str]]:
    """Create a database and data folder; yield the environment of a process that uses them."""
    with tempfile.TemporaryDirectory(prefix="stagent-bench-") as folder, database.made(Path(folder)) as url:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ANTHROPIC_", "SCHEDULE_"))
        }
        yield kept | {
            "DJANGO_SETTINGS_MODULE": "stagent.settings",
            "DATABASE_URL": url,
            "STAGENT_DATA_DIR": folder,
            "DEBUG": "0",
            "SECRET_KEY": "measured with",
            "LOG_LEVEL": "ERROR",
        }


def at_server(statement: str) -> None:
    with psycopg.connect(SERVER, autocommit=True) as link:
        link.execute(statement)


def copy_of(name: str, *, sqlite: bool) -> str:
    """Copy a database without connections; return the copy's name."""
    copy = name + COPY
    if sqlite:
        with sqlite3.connect(name) as source, sqlite3.connect(copy) as target:
            source.backup(target)
    else:
        at_server(f'CREATE DATABASE "{copy}" TEMPLATE "{name}"')
    return copy
