"""Waking the scheduler loops at once when something changed, in this process or another.

PostgreSQL: LISTEN/NOTIFY, heard by a thread with a connection of its own. SQLite: a knock on a socket
next to the database file, after the commit. Both may be missed (a process dies between commit and knock),
so there is a slow look behind them: on SQLite `PRAGMA data_version` tells in microseconds that somebody
committed, and `user_version`, which nothing else here uses, is another after each ring and rolls back too.
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
from stagent.lib.wakeup.unix_socket import close as close_door
from stagent.lib.wakeup.unix_socket import listen, send

CHANNEL = "stagent"
LOOK_SEC = 0.25  # how long a missed knock goes unnoticed on SQLite
GLANCE_SEC = 0.01  # the same where there can be no door; costs about a hundredth of a core
DIFFERENT_RINGS = 2**31

log = logging.getLogger(__name__)


def notify() -> None:
    """Wake every scheduler when the present transaction commits; belongs into that transaction."""
    if connection.vendor == "postgresql":
        Statement(f"NOTIFY {CHANNEL}").run({})
    else:
        Statement(f"PRAGMA user_version = {random.randrange(DIFFERENT_RINGS)}").run({})
        transaction.on_commit(_send, robust=True)


def _send() -> None:
    send(_doors())


def _doors() -> str:
    """Return the folder of the sockets: beside the database file, so who shares the one shares the other."""
    return f"{connection.settings_dict['NAME']}.bells"


class Wakeup:
    """What a loop sleeps on; `strike` wakes it from any thread of its process and from signal handlers."""

    def __init__(self) -> None:
        self._ear, self._clapper = socket.socketpair()
        for end in (self._ear, self._clapper):
            end.setblocking(False)
        self._door: socket.socket | None = None
        self._listener: SupervisedThread | None = None
        self._version = self._rung = 0

    def open(self) -> None:
        if connection.vendor == "postgresql":
            self._listener = SUPERVISOR.thread("wake-up listener", self._listen, logger=log)
            self._listener.start()
        else:
            self._door = listen(Path(_doors()))
            self._version, self._rung = _pragma("data_version"), _pragma("user_version")

    def close(self) -> None:
        if self._listener:
            self._listener.stop()
            self._listener.join(timeout=2)
        if self._door:
            close_door(self._door)

    def notify(self) -> None:
        with contextlib.suppress(BlockingIOError):  # it is ringing already
            self._clapper.send(b"!")

    def wait(self, timeout_sec: float) -> bool:
        """Sleep until the bell is struck or heard, at most `timeout_sec`; tell whether it was."""
        if self._listener:
            return self._hear(timeout_sec)
        look_sec = LOOK_SEC if self._door else GLANCE_SEC
        until = time.monotonic() + timeout_sec
        while (left := until - time.monotonic()) > 0:
            if self._hear(min(look_sec, left)) or self._somebody_rang():
                return True
        return self._hear(0)

    def _hear(self, timeout_sec: float) -> bool:
        ears = [ear for ear in (self._ear, self._door) if ear]
        struck, _, _ = select.select(ears, [], [], timeout_sec)
        for ear in struck:
            _drain(ear)
        return bool(struck)

    def _somebody_rang(self) -> bool:
        if (version := _pragma("data_version")) == self._version:
            return False
        self._version = version
        before, self._rung = self._rung, _pragma("user_version")
        return before != self._rung

    def _listen(self, watched: Watched) -> None:
        try:
            while not watched.stopping.is_set():
                try:
                    self._listen_once(watched)
                except Exception as error:  # noqa: BLE001 - whatever it is, it listens again in a second
                    watched.failed(error)
                    connection.close()
                    watched.stopping.wait(1)
        finally:
            connection.close()

    def _listen_once(self, watched: Watched) -> None:
        connection.ensure_connection()
        link = connection.connection
        link.execute(f"LISTEN {CHANNEL}")
        self.notify()  # whatever was rung while nobody listened
        while not watched.stopping.is_set():
            for _ in link.notifies(timeout=0.5, stop_after=1):
                self.notify()
            watched.worked()


def _drain(ear: socket.socket) -> None:
    """Read all that was struck: many knocks wake once."""
    with contextlib.suppress(BlockingIOError):
        while ear.recv(512):
            pass


def _pragma(name: str) -> int:
    connection.ensure_connection()
    return int(connection.connection.execute(f"PRAGMA {name}").fetchone()[0])
