"""SQLite for a process with several writing threads.

SQLite allows one writer at a time; another one sleeps and retries after 1, 2, 5, 10 … 100 ms, while the first
may start its next transaction. So the threads of a process queue here first.
"""

import threading
from collections import deque
from typing import Any

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

from stagent.lib.db.sqlite.like import like


class WriteQueue:
    """A fair lock: the thread that has waited longest gets it next."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_held = False
        self._waiting: deque[threading.Lock] = deque()

    def acquire(self, timeout: float) -> bool:
        """Wait for the lock; return False if it took longer than `timeout` seconds."""
        with self._lock:
            if not self._is_held:
                self._is_held = True
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
        return True  # granted between the timeout and the lock

    def release(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_held = False


_Django: Any = base.DatabaseWrapper
_queues: dict[str, WriteQueue] = {}
_queues_lock = threading.Lock()


def queue_for(name: str) -> WriteQueue:
    """Return the write queue of a database file."""
    with _queues_lock:
        return _queues.setdefault(name, WriteQueue())


class DatabaseWrapper(_Django):
    """Django's backend; a transaction begins when the earlier ones of this process have ended."""

    _write_queue: WriteQueue | None = None  # while this connection holds it

    def get_new_connection(self, conn_params: Any) -> Any:
        connection = super().get_new_connection(conn_params)
        connection.create_function("like", 2, like, deterministic=True)
        connection.create_function("like", 3, like, deterministic=True)
        return connection

    def _start_transaction_under_autocommit(self) -> None:
        queue = queue_for(str(self.settings_dict["NAME"]))
        if not queue.acquire(self.settings_dict["OPTIONS"].get("timeout", 5.0)):
            raise OperationalError("database is locked")
        self._write_queue = queue
        try:
            super()._start_transaction_under_autocommit()
        except BaseException:
            self._release_write_queue()
            raise

    def _commit(self) -> Any:
        try:
            return super()._commit()
        finally:
            # If COMMIT fails because the database is busy, the transaction stays open until a rollback.
            if self.connection is None or not self.connection.in_transaction:
                self._release_write_queue()

    def _rollback(self) -> Any:
        try:
            return super()._rollback()
        finally:
            self._release_write_queue()

    def _close(self) -> Any:
        try:
            return super()._close()
        finally:
            self._release_write_queue()

    def _release_write_queue(self) -> None:
        queue, self._write_queue = self._write_queue, None
        if queue:
            queue.release()
