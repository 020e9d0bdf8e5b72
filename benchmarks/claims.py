"""Claim + finish through our code, compared with the same statements through the bare driver.

1. Queue runs and copy the database.
2. Claim and finish half of them through the drain and the transitions, recording every statement.
3. Time the other half, and replay the statements on the copy through sqlite3 or psycopg alone, in turns, so
   that other load slows both.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from statistics import median
from typing import Any

import psycopg
from django.db import connection

from benchmarks.databases import copy_of
from benchmarks.fixtures import a_schedule, some
from benchmarks.rows import report
from schedules import conf
from schedules.capacity import conditions
from schedules.dispatch.drain import drain
from schedules.models import Firing, Setting
from schedules.states import Outcome, RunStatus, Source
from schedules.transitions import Ending, enqueue, finish
from stagent.lib import clock
from stagent.lib.processes.gc_tuning import freeze_gc

ROUNDS = 10

type Script = list[tuple[str, Any, bool]]


def main() -> None:
    part = some(1000) // ROUNDS
    Setting.objects.create(key="SCHEDULE_MAX_CONCURRENT", value="1")
    fill(2 * ROUNDS * part + 20)
    work(20)
    freeze_gc()  # as the scheduler does
    name = connection.settings_dict["NAME"]
    connection.close()
    copy = copy_of(name, sqlite=connection.vendor == "sqlite")
    scripts = [native(recorded(lambda: work(part))) for _ in range(ROUNDS)]
    with plain(copy) as link:
        rounds = [(rate(lambda: work(part), part), rate(lambda: replay(s, link), part)) for s in scripts]  # noqa: B023
    ours, bare = (median(rates) for rates in zip(*rounds, strict=True))
    share = median(mine / theirs for mine, theirs in rounds)
    pair = f"{len(scripts[-1]) / part:.0f} statements"
    report("claim + finish, a pair", f"{ours:.0f}/s; the bare driver {bare:.0f}/s ({pair})")
    report("claim + finish, share of the driver's rate", f"{share:.2f}", "≥ 0.5", share >= 0.5)


def fill(count: int) -> None:
    """Queue runs of a schedule, each with its firing, as the tick does."""
    now = clock.now()
    schedule = a_schedule(now, overlap_policy="allow")
    for number in range(count):
        firing = Firing.objects.create(
            schedule=schedule, schedule_name=schedule.name, kind="scheduled", outcome=Outcome.FIRED,
            nominal_at=now - timedelta(seconds=number), due_at=now,
        )  # fmt: skip
        enqueue(schedule, source=Source.SCHEDULED, now=now, firing=firing)


def work(count: int) -> None:
    """Claim and finish runs one after the other, as a scheduler with one slot does."""
    look = conditions.load(clock.now(), conf.load(), claims=True)
    for _ in range(count):
        (claimed,) = drain(look, "bench")
        finish(claimed.run_id, claimed.token, Ending(RunStatus.COMPLETED, result="Done."), now=clock.now())


def rate(act: Any, count: int) -> float:
    started = time.perf_counter()
    act()
    return count / (time.perf_counter() - started)


def recorded(act: Any) -> Script:
    """Run it and return every statement sent to the driver, transactions included."""
    script: Script = []

    def record(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        script.append((sql, params, many))
        return execute(sql, params, many, context)

    connection.ensure_connection()
    with ExitStack() as noting, connection.execute_wrapper(record):
        noting.enter_context(recorded_call("_commit", "COMMIT", script))
        noting.enter_context(recorded_call("_rollback", "ROLLBACK", script))
        if connection.vendor == "postgresql":  # SQLite is told to BEGIN like any other statement
            noting.enter_context(recorded_call("_set_autocommit", "BEGIN", script))
        act()
    return script


@contextmanager
def recorded_call(name: str, said: str, script: Script) -> Iterator[None]:
    """Record what a method of the connection sends."""
    act = getattr(connection, name)

    def recorded_first(*on: bool) -> None:
        if True not in on:  # back to autocommit: nothing is sent
            script.append((said, None, False))
        act(*on)

    setattr(connection, name, recorded_first)
    try:
        yield
    finally:
        delattr(connection, name)


def native(script: Script) -> Script:
    """Convert the statements to the driver's form, untimed."""
    if connection.vendor != "sqlite":
        return script
    return [(_for_sqlite(sql, params), params, many) for sql, params, many in script]


def _for_sqlite(sql: str, params: Any) -> str:
    if isinstance(params, dict):
        return sql % {name: f":{name}" for name in params}
    return sql.replace("%s", "?")


def replay(script: Script, link: Any) -> None:
    cursor = link.cursor()
    for sql, params, many in script:
        if many:
            cursor.executemany(sql, params)
        else:
            cursor.execute(sql, params or ())
        if cursor.description:
            cursor.fetchall()


def plain(database: str) -> Any:
    now = connection.settings_dict
    if connection.vendor == "sqlite":
        link = sqlite3.connect(database, isolation_level=None)
        link.executescript(now["OPTIONS"]["init_command"] + "PRAGMA foreign_keys=ON;")  # as Django has it
        return link
    names = {
        "user": now["USER"],
        "password": now["PASSWORD"] or None,
        "host": now["HOST"],
        "port": now["PORT"] or 5432,
    }
    # Django binds in the client too: the very same statements.
    return psycopg.connect(dbname=database, **names, autocommit=True, cursor_factory=psycopg.ClientCursor)


if __name__ == "__main__":
    main()
