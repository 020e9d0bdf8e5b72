"""Reads the slots continuously from the database: was the cap ever exceeded?"""

import threading
from types import TracebackType
from typing import Self

from django.db import DatabaseError, connection

from schedules.models.slot import DEFAULT_POOL, OVERFLOW_POOL

LOOK_SEC = 0.02
# One statement, so one snapshot: what it counts was true at one moment.
LOOK = """
    SELECT (SELECT count(*) FROM schedules_slot WHERE run_id IS NOT NULL AND pool = %s),
           (SELECT count(*) FROM schedules_slot WHERE run_id IS NOT NULL AND pool = %s),
           (SELECT count(*) FROM schedules_run WHERE status = 'running')
"""


class Observer:
    """Keeps the maximum it saw."""

    def __init__(self) -> None:
        self.looks = self.inside = self.overflow = self.running = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._over.wait(LOOK_SEC):
            try:
                self._sample()
            except DatabaseError:
                connection.close()
        connection.close()

    def _sample(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(LOOK, [DEFAULT_POOL, OVERFLOW_POOL])
            inside, overflow, running = cursor.fetchone()
        self.looks += 1
        self.inside = max(self.inside, inside)
        self.overflow = max(self.overflow, overflow)
        self.running = max(self.running, running)
