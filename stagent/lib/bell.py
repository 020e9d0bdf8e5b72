"""Waking the scheduler loops at once when something changed, in this process or another.

PostgreSQL: LISTEN/NOTIFY, heard by a thread with a connection of its own; notifications may be
lost, so the loop also looks by itself now and then. SQLite: `PRAGMA data_version` tells in
microseconds that some connection committed, and `user_version`, which nothing else here uses and
which rolls back with its transaction, counts the rings among those commits.
"""

import logging
import threading
import time

from django.db import connection, connections

CHANNEL = "stagent"
GLANCE_SEC = 0.008  # enqueued in another process to noticed: half of this on average
MOST_RINGS = 2**31

log = logging.getLogger("stagent.bell")


def ring() -> None:
    """Wake every scheduler when the present transaction commits; belongs into that transaction."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"NOTIFY {CHANNEL}")
        else:
            rung = cursor.execute("PRAGMA user_version").fetchone()[0]
            cursor.execute(f"PRAGMA user_version = {(rung + 1) % MOST_RINGS}")


class Bell:
    """What a loop sleeps on; `strike` wakes it from any thread of its process."""

    def __init__(self) -> None:
        self._struck = threading.Event()
        self._closed = False
        self._version = self._rung = 0
        self._listener: threading.Thread | None = None

    def open(self) -> None:
        if connection.vendor == "postgresql":
            self._listener = threading.Thread(target=self._listen, name="bell", daemon=True)
            self._listener.start()
        else:
            self._version, self._rung = self._pragma("data_version"), self._pragma("user_version")

    def close(self) -> None:
        self._closed = True
        if self._listener:
            self._listener.join(timeout=2)

    def strike(self) -> None:
        self._struck.set()

    def wait(self, timeout_sec: float) -> bool:
        """Sleep until the bell is struck or heard, at most `timeout_sec`; tell whether it was."""
        heard = self._wait_sqlite(timeout_sec) if self._listener is None else self._struck.wait(timeout_sec)
        self._struck.clear()
        return heard

    def _wait_sqlite(self, timeout_sec: float) -> bool:
        until = time.monotonic() + timeout_sec
        while (left := until - time.monotonic()) > 0:
            if self._struck.wait(min(GLANCE_SEC, left)) or self._somebody_rang():
                return True
        return self._struck.is_set()

    def _somebody_rang(self) -> bool:
        if (version := self._pragma("data_version")) == self._version:
            return False
        self._version = version
        before, self._rung = self._rung, self._pragma("user_version")
        return before != self._rung

    @staticmethod
    def _pragma(name: str) -> int:
        connection.ensure_connection()
        return int(connection.connection.execute(f"PRAGMA {name}").fetchone()[0])

    def _listen(self) -> None:
        while not self._closed:
            try:
                self._listen_once()
            except Exception as error:
                log.warning("The bell lost its connection (%s); it is hung up again in a second.", error)
                connections["default"].close()
                time.sleep(1)

    def _listen_once(self) -> None:
        connection.ensure_connection()
        link = connection.connection
        link.execute(f"LISTEN {CHANNEL}")
        self._struck.set()  # whatever was rung while nobody listened
        while not self._closed:
            for _ in link.notifies(timeout=0.5, stop_after=1):
                self._struck.set()
        connection.close()
