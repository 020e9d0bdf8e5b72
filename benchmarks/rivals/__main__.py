"""Compares Stagent with Celery, APScheduler, Huey and Procrastinate on no-op work; see `procedure`.

One after the other; each uses the rest of a minute. The others run in their own environment, created for
this; what is missing is reported and skipped.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.databases import DATABASES, Database, PostgreSQL, temporary
from benchmarks.rivals.procedure import command_of
from benchmarks.rivals.results import Result, report_results

QUICK = "--quick" in sys.argv
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
MANY, FEW = 200, 20

type Variables = dict[str, str]


@dataclass(frozen=True)
class Contestant:
    """A system, its database, and what it needs."""

    name: str
    on: str
    module: str
    resources: Callable[[], AbstractContextManager[Variables]]
    ours: bool = False


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="stagent-rivals-") as folder:
        python = environment(Path(folder, "env"))
        results = [result for each in contestants(python is not None) if (result := race(each, python))]
    report_results(results)


def environment(folder: Path) -> str | None:
    """Create the environment of the others; None if that fails."""
    python = str(folder / "bin" / "python")
    try:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
        subprocess.run(
            [python, "-m", "pip", "install", "-qq", "-r", REQUIREMENTS], check=True, capture_output=True
        )
    except subprocess.CalledProcessError as error:
        print(f"The others cannot be installed: {error.stderr.decode()[-200:]}", file=sys.stderr)
        return None
    return python


def contestants(others: bool) -> Iterator[Contestant]:
    for database in DATABASES:
        if database.there():
            yield Contestant("Stagent", database.name, "ours", partial(migrated, database), ours=True)
    if not others:
        return
    yield Contestant("APScheduler", "memory", "with_apscheduler", lambda: nullcontext({}))
    yield Contestant("Huey", "SQLite", "with_huey", lambda: nullcontext({"RIVALS_STORE": "sqlite"}))
    if shutil.which("redis-server"):
        yield Contestant("Huey", "Redis", "with_huey", a_redis)
        yield Contestant("Celery", "Redis", "with_celery", a_redis)
    else:
        print("redis-server is not there: Celery and Huey on it are left out.", file=sys.stderr)
    if PostgreSQL.there():
        yield Contestant("Procrastinate", "PostgreSQL", "with_procrastinate", a_database)
    else:
        print("PostgreSQL is not there: Procrastinate is left out.", file=sys.stderr)


def race(who: Contestant, python: str | None) -> Result | None:
    """Run one system; None, with a message, if it fails."""
    print(f"rivals: {who.name} on {who.on} …", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="stagent-rival-") as folder, who.resources() as resources:
        variables = resources if who.ours else dict(os.environ) | resources
        variables |= {
            "RIVALS_FOLDER": folder,
            "RIVALS_MANY": str(FEW if QUICK else MANY),
            "RIVALS_CRON": str(int(not QUICK)),  # it takes the rest of a minute
        }
        runs_in = sys.executable if who.ours else str(python)
        command = [runs_in, *command_of(who.module, "main")[1:]]
        done = subprocess.run(command, env=variables, check=False, capture_output=True, text=True)
    if done.returncode:
        print(f"rivals: {who.name} on {who.on} did not finish: {done.stderr[-300:]}", file=sys.stderr)
        return None
    return Result(f"{who.name}, {who.on}", who.ours, **json.loads(done.stdout.splitlines()[-1]))


@contextmanager
def migrated(database: Database) -> Iterator[Variables]:
    with temporary(database) as variables:
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], env=variables, check=True)
        yield variables


@contextmanager
def a_redis() -> Iterator[Variables]:
    """Run a server of its own, which keeps nothing."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    options = ("--save", "", "--appendonly", "no", "--dir", tempfile.gettempdir())
    with subprocess.Popen(
        ["redis-server", "--port", str(port), *options], stdout=subprocess.DEVNULL
    ) as server:
        try:
            _wait_for_port(port)
            yield {"REDIS_URL": f"redis://127.0.0.1:{port}/0"}
        finally:
            server.terminate()


def _wait_for_port(port: int) -> None:
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            return


@contextmanager
def a_database() -> Iterator[Variables]:
    with tempfile.TemporaryDirectory() as folder, PostgreSQL.made(Path(folder)) as url:
        yield {"DATABASE_URL": url}


if __name__ == "__main__":
    main()
