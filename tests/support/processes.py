"""Real processes on the database of the test, with their output at hand."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import psutil
import pytest
from django.conf import settings
from django.db import connection

from tests.support.waiting import PATIENCE_SEC, wait_until

LIKE_PRODUCTION = {
    "DEBUG",
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "SECURE_SSL_REDIRECT",
}  # what `tests.settings` sets


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a newcomer's process, on the test's database and data folder."""
    base = {name: value for name, value in os.environ.items() if name not in LIKE_PRODUCTION}
    ours = {"DJANGO_SETTINGS_MODULE": "stagent.settings", "DATABASE_URL": database_url()}
    return base | ours | {"STAGENT_DATA_DIR": str(settings.DATA_DIR), "PYTHONUNBUFFERED": "1"} | more


def database_url() -> str:
    """Return the URL of the database that the test is using now."""
    now = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{now['NAME']}"
    return f"postgres://{now['USER']}:{now['PASSWORD']}@{now['HOST']}:{now['PORT'] or 5432}/{now['NAME']}"


class Process:
    """`python manage.py …`, its lines and its end."""

    program: tuple[str, ...] = (str(settings.BASE_DIR / "manage.py"),)

    def __init__(self, *arguments: str, **variables: str) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, *self.program, *arguments],
            cwd=settings.BASE_DIR,
            env=environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self.output = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    def says(self, pattern: str, *, within: float = PATIENCE_SEC) -> re.Match[str]:
        """Wait until its output matches a pattern."""

        def look() -> re.Match[str] | None:
            found = re.search(pattern, self.output)
            if found is None and self._popen.poll() is not None and not self._reader.is_alive():
                raise AssertionError(f"it ended without saying {pattern!r}:\n{self.output}")
            return found

        return wait_until(look, within=within)

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.pid).children(recursive=True)

    def signal(self, number: int) -> None:
        self._popen.send_signal(number)

    def end(self, *, within: float = PATIENCE_SEC) -> int:
        """Wait for its end; return its exit code."""
        code = self._popen.wait(within)
        self._reader.join(within)
        return code

    def _read(self) -> None:
        assert self._popen.stdout
        for line in self._popen.stdout:
            self.output += line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        """Leave nobody behind, whatever the test did."""
        family = [self.pid] if self._popen.poll() is None else []
        family += [child.pid for child in self.children()] if family else []
        for pid in reversed(family):
            try:
                psutil.Process(pid).kill()
            except psutil.NoSuchProcess:
                continue
        self._popen.wait()
        self._reader.join(5)
        if self._popen.stdout:
            self._popen.stdout.close()


class Web(Process):
    """`python -m daphne …`, the web process."""

    program = ("-m", "daphne", "-b", "127.0.0.1", "stagent.asgi:application", "-p")

    def reply_worker(self) -> psutil.Process | None:
        """Return the process beside it that works on replies."""
        return next((each for each in self.children() if "reply_worker_main" in _command(each)), None)

    def cut_power(self) -> None:
        """End it and its desk at one moment, so that neither hears of the other's end."""
        family = [psutil.Process(self.pid), *self.children()]
        for process in family:
            process.suspend()
        for process in family:
            process.kill()


def _command(process: psutil.Process) -> str:
    """Return its command line; empty where it has ended a moment ago."""
    with suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


@pytest.fixture
def empty_database(tmp_path: Path, db: None) -> Iterator[dict[str, str]]:
    """The environment of an install that was never started: a database and a data folder, both empty."""
    folder = tmp_path / "data"
    if connection.vendor == "sqlite":
        yield {"DATABASE_URL": f"sqlite:///{tmp_path}/new.sqlite3", "STAGENT_DATA_DIR": str(folder)}
        return
    name = f"{connection.settings_dict['NAME']}_new"
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}"')
    yield {
        "DATABASE_URL": database_url().rpartition("/")[0] + f"/{name}",
        "STAGENT_DATA_DIR": str(folder),
    }
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
