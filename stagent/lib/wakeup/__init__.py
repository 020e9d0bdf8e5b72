"""Wakes the scheduler loops at once after a change, in this process or another.

PostgreSQL: LISTEN/NOTIFY, received by a thread with its own connection. SQLite: a datagram to a socket beside
the database file, after the commit. Both may be lost (a process dies between commit and datagram), so the
loops also poll: on SQLite `PRAGMA data_version` tells within microseconds that another connection committed,
and `user_version`, which nothing else uses, changes with each notification and rolls back with its
transaction.
"""

import contextlib
import logging
import random
import select
import socket
import time
from pathlib import Path

from django.db import connection, transaction

from stagent.lib.db.prepared import Statement
from stagent.lib.processes.supervised_task import Watched
from stagent.lib.processes.supervisor import SUPERVISOR, SupervisedThread
from stagent.lib.wakeup.unix_socket import close as close_socket
from stagent.lib.wakeup.unix_socket import listen, send

CHANNEL = "stagent"
POLL_SEC = 0.25  # the delay of a lost datagram on SQLite
FAST_POLL_SEC = 0.01  # the same without a Unix socket; costs about a hundredth of a core
COUNTER_VALUES = 2**31

log = logging.getLogger(__name__)


def notify() -> None:
    """Wake every scheduler when the current transaction commits; call it within that transaction."""
    if connection.vendor == "postgresql":
        Statement(f"NOTIFY {CHANNEL}").run({})
    else:
        Statement(f"PRAGMA user_version = {random.randrange(COUNTER_VALUES)}").run({})
        transaction.on_commit(_send, robust=True)


def _send() -> None:
    send(_socket_folder())


def _socket_folder() -> str:
    """Return the folder of the sockets: beside the database file, so that its users share it."""
    return f"{connection.settings_dict['NAME']}.wakeup"


class Wakeup:
    """A loop waits on it; `notify` wakes it from any thread of its process and from signal handlers."""

    def __init__(self) -> None:
        self._receiver, self._sender = socket.socketpair()
        for end in (self._receiver, self._sender):
            end.setblocking(False)
        self._socket: socket.socket | None = None
        self._listener: SupervisedThread | None = None
        self._data_version = self._counter = 0

    def open(self) -> None:
        if connection.vendor == "postgresql":
            self._listener = SUPERVISOR.thread("wake-up listener", self._listen, logger=log)
            self._listener.start()
        else:
            self._socket = listen(Path(_socket_folder()))
            self._data_version, self._counter = _pragma("data_version"), _pragma("user_version")

    def close(self) -> None:
        if self._listener:
            self._listener.stop()
            self._listener.join(timeout=2)
        if self._socket:
            close_socket(self._socket)

    def notify(self) -> None:
        with contextlib.suppress(BlockingIOError):  # a wake-up is pending already
            self._sender.send(b"!")

    def wait(self, timeout_sec: float) -> bool:
        """Wait for a notification, at most `timeout_sec`; return whether one came."""
        if self._listener:
            return self._receive(timeout_sec)
        poll_sec = POLL_SEC if self._socket else FAST_POLL_SEC
        deadline = time.monotonic() + timeout_sec
        while (remaining := deadline - time.monotonic()) > 0:
            if self._receive(min(poll_sec, remaining)) or self._was_notified():
                return True
        return self._receive(0)

    def _receive(self, timeout_sec: float) -> bool:
        sockets = [sock for sock in (self._receiver, self._socket) if sock]
        ready, _, _ = select.select(sockets, [], [], timeout_sec)
        for sock in ready:
            _discard_pending(sock)
        return bool(ready)

    def _was_notified(self) -> bool:
        if (version := _pragma("data_version")) == self._data_version:
            return False
        self._data_version = version
        before, self._counter = self._counter, _pragma("user_version")
        return before != self._counter

    def _listen(self, watched: Watched) -> None:
        try:
            while not watched.stopping.is_set():
                try:
                    self._listen_once(watched)
                except Exception as error:  # noqa: BLE001 - it listens again in a second
                    watched.failed(error)
                    connection.close()
                    watched.stopping.wait(1)
        finally:
            connection.close()

    def _listen_once(self, watched: Watched) -> None:
        connection.ensure_connection()
        driver = connection.connection
        driver.execute(f"LISTEN {CHANNEL}")
        self.notify()  # for notifications sent while it did not listen
        while not watched.stopping.is_set():
            for _ in driver.notifies(timeout=0.5, stop_after=1):
                self.notify()
            watched.worked()


def _discard_pending(sock: socket.socket) -> None:
    """Read everything that is pending: several notifications wake the loop once."""
    with contextlib.suppress(BlockingIOError):
        while sock.recv(512):
            pass


def _pragma(name: str) -> int:
    connection.ensure_connection()
    return int(connection.connection.execute(f"PRAGMA {name}").fetchone()[0])
