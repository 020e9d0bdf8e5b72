"""SQLite for a process with several threads that write.

SQLite lets one write at a time and has whoever comes second sleep and look again: 1, 2, 5, 10 … 100 ms, while
the first takes its next transaction in between. So the threads of a process stand in line here first.
"""

import threading
from collections import deque
from typing import Any

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

from stagent.lib.db.sqlite.like import like


class WriteQueue:
    """A lock that is handed to whoever has waited longest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    def acquire(self, timeout: float) -> bool:
        """Wait for one's turn; False when it did not come in so many seconds."""
        with self._lock:
            if not self._taken:
                self._taken = True
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=timeout):
            return True
        with self._lock:
            if turn in self._waiting:
                self._waiting.remove(turn)
                return False
        return True  # it came just now

    def release(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False


_Django: Any = base.DatabaseWrapper
_queues: dict[str, WriteQueue] = {}
_queues_lock = threading.Lock()


def queue_of(name: str) -> WriteQueue:
    """Return the queue for the file of a database."""
    with _queues_lock:
        return _queues.setdefault(name, WriteQueue())


class DatabaseWrapper(_Django):
    """Django's, and a transaction begins when the earlier ones of this process have ended."""

    _line: WriteQueue | None = None  # that this connection holds

    def get_new_connection(self, conn_params: Any) -> Any:
        connection = super().get_new_connection(conn_params)
        connection.create_function("like", 2, like, deterministic=True)
        connection.create_function("like", 3, like, deterministic=True)
        return connection

    def _start_transaction_under_autocommit(self) -> None:
        line = queue_of(str(self.settings_dict["NAME"]))
        if not line.acquire(self.settings_dict["OPTIONS"].get("timeout", 5.0)):
            raise OperationalError("database is locked")
        self._line = line
        try:
            super()._start_transaction_under_autocommit()
        except BaseException:
            self._standing_line()
            raise

    def _commit(self) -> Any:
        try:
            return super()._commit()
        finally:
            # A commit that failed, the database being busy, is still a transaction: a rollback ends that.
            if self.connection is None or not self.connection.in_transaction:
                self._standing_line()

    def _rollback(self) -> Any:
        try:
            return super()._rollback()
        finally:
            self._standing_line()

    def _close(self) -> Any:
        try:
            return super()._close()
        finally:
            self._standing_line()

    def _standing_line(self) -> None:
        line, self._line = self._line, None
        if line:
            line.release()
