"""Looks at slots and runs again and again through a plain connection that no code of ours touches."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

import psycopg
from django.db import connection

# One statement, so one snapshot: what it counts was true at one moment.
LOOK = """
SELECT
  (SELECT count(*) FROM schedules_run WHERE status = 'running'),
  (SELECT count(*) FROM schedules_slot WHERE run_id IS NOT NULL AND pool = 'default'),
  (SELECT coalesce(max(number), 0) FROM schedules_slot WHERE run_id IS NOT NULL AND pool = 'default'),
  (SELECT count(*) FROM schedules_slot WHERE run_id IS NOT NULL AND pool = 'overflow'),
  (SELECT count(*) FROM schedules_slot WHERE run_id IS NOT NULL AND pool = 'narrow'),
  (SELECT count(*) FROM schedules_slot s JOIN schedules_run r ON r.id = s.run_id
    WHERE r.status <> 'running' OR (s.pool = 'overflow' AND NOT r.forced)
       OR (s.pool IN ('default', 'overflow') AND r.slot <> s.pool || ' #' || s.number)),
  (SELECT count(*) FROM schedules_run r WHERE r.status = 'running' AND 1 <>
    (SELECT count(*) FROM schedules_slot s WHERE s.run_id = r.id AND s.pool IN ('default', 'overflow')))
"""


class Sight(NamedTuple):
    """What one look saw."""

    running: int
    inside: int  # slots of the global cap that are held
    highest: int  # number among them
    overflow: int
    narrow: int  # slots held of the pool of that name
    misheld: int  # slots held by a run that is not running, is not forced, or says it has another
    homeless: int  # runs running without a place, or with two


class Observer:
    """Keeps every different thing it saw."""

    def __init__(self) -> None:
        self.sights: set[Sight] = set()
        self.looks = 0

    def watch(self, seconds: float) -> None:
        """Look as often as possible for so long."""
        until = time.monotonic() + seconds
        with plain_connection() as link:
            while time.monotonic() < until:
                self.sights.add(Sight(*link.execute(LOOK).fetchone()))
                self.looks += 1
                time.sleep(0.001)  # or it would take a processor of its own

    def most(self, what: str) -> int:
        seen: list[int] = [getattr(sight, what) for sight in self.sights]
        return max(seen)


@contextmanager
def plain_connection() -> Iterator[Any]:
    """Connect to the test's database with the bare driver, every statement its own transaction."""
    now = connection.settings_dict
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(now["NAME"], isolation_level=None, timeout=20)) as link:
            yield link
    else:
        names = {"dbname": now["NAME"], "user": now["USER"], "password": now["PASSWORD"] or None}
        with psycopg.connect(**names, host=now["HOST"], port=now["PORT"] or 5432, autocommit=True) as pg:
            yield pg
