"""Measure on SQLite and, if DATABASE_URL or a local server allows, on PostgreSQL; print one table.

1. For every database: create a throwaway one and migrate it, once for every benchmark.
2. Run each benchmark in its own process on it, with nothing else of ours running.
3. Print the results beside the goals. A missed goal is reported, never asserted.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.databases import DATABASES, Database, temporary
from benchmarks.rows import Row, as_table

NAMES = (
    "claims",
    "lateness",
    "pickup",
    "starts",
    "requests",
    "ticks",
    "forecast",
    "streams",
    "fluent",
    "small_model",
    "scale",
    "workers",
    "rivals",
)
MAKES_ITS_OWN = ("workers", "rivals")  # databases, one for each who takes part


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(NAMES)}; all without one")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work: is it still running?")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(NAMES):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    print(f"{machine()}{', --quick' if chosen.quick else ''}\n")
    rows: list[Row] = []
    broken = []
    for name, database in _planned(chosen.names or NAMES):
        try:
            rows += _measure(name, database, quick=chosen.quick)
        except subprocess.CalledProcessError as error:
            broken.append(f"{name} on {database.name}" if database else name)
            print(f"{broken[-1]} failed with code {error.returncode}.", file=sys.stderr)
    print(as_table(rows))
    if broken:
        sys.exit(f"Not measured: {', '.join(broken)}.")


def _planned(names: Iterable[str]) -> Iterator[tuple[str, Database | None]]:
    for name in names:
        if name in MAKES_ITS_OWN:
            yield name, None
            continue
        for database in DATABASES:
            if database.there():
                yield name, database
            else:
                print(f"{database.name} is not there: {name} is not measured on it.", file=sys.stderr)


def machine() -> str:
    """Describe the machine and its load."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{os.cpu_count()} cores, load average {load}, Python {platform.python_version()}"


def _measure(name: str, database: Database | None, *, quick: bool) -> list[Row]:
    """Run one benchmark, on one database if it does not make its own. Raises `CalledProcessError`."""
    if database is None:
        return _rows(name, "", dict(os.environ), quick=quick)
    print(f"{name} on {database.name} …", file=sys.stderr)
    with temporary(database) as variables:
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], env=variables, check=True)
        return _rows(name, database.name, variables, quick=quick)


def _rows(name: str, database: str, variables: dict[str, str], *, quick: bool) -> list[Row]:
    """Run the process of one benchmark and read the rows that it prints."""
    command = [sys.executable, "-m", f"benchmarks.{name}", *(["--quick"] if quick else [])]
    out = subprocess.run(command, env=variables, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [
        Row(**({"database": database} | json.loads(line)))
        for line in out.splitlines()
        if line.startswith("{")
    ]


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent)
    main()
