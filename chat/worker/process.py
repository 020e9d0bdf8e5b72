"""The reply worker in a process beside the web process, so that no page waits while agents use the CPU.

A socket pair connects the two. It carries wake-ups and no data: "there is work" one way, "there is news" the
other. Where one end closes, the other process is gone: the reply worker finalises its replies and exits, the
web process starts another one.
"""

import logging
import math
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress

from django.conf import settings

from chat.feed import broadcast
from chat.worker.worker import LEAVE_SEC
from stagent.lib.processes.supervisor import SUPERVISOR
from stagent.lib.processes.watched import Watched

MAIN = settings.BASE_DIR / "stagent" / "web" / "reply_worker_main.py"
WORK, LEAVE, HEARD = b"w", b"l", b"h"
SETTLE_LEFT_SEC = 5.0  # for what the desk's loop could not settle in time
FAREWELL_SEC = 0.3  # for the sockets to say how it ended
FIRST_WAIT_SEC, LONGEST_WAIT_SEC = 0.5, 30.0  # before a desk that died is started again, doubled each time
WELL_SEC = 30.0  # who lived longer was well

log = logging.getLogger("stagent.replies")


class ReplyWorkerProcess:
    """Keeps a desk running until told to close; for the web process."""

    def __init__(self) -> None:
        self._line: socket.socket | None = None
        self._leaving = threading.Event()
        # It waits in a read for as long as its desk lives, and has no rounds of its own.
        self._keeper = SUPERVISOR.thread("reply process relay", self._keep, stuck_sec=math.inf, logger=log)

    def open(self) -> None:
        broadcast.on_work(self._call)
        self._keeper.start()

    def close(self) -> None:
        """Let the desk settle what it is at, and the sockets say how it ended."""
        broadcast.unsubscribe(self._call)
        self._leaving.set()
        self._keeper.stop()
        self._send(LEAVE)
        self._keeper.join(timeout=LEAVE_SEC + SETTLE_LEFT_SEC)
        time.sleep(FAREWELL_SEC)

    def _call(self) -> None:
        self._send(WORK)

    def _send(self, bell: bytes) -> None:
        # Full or broken: it rings there already, or nobody is there and whoever comes looks by itself.
        with suppress(OSError):
            if line := self._line:
                line.send(bell, socket.MSG_DONTWAIT)

    def _keep(self, _: Watched) -> None:
        wait = FIRST_WAIT_SEC
        while not self._leaving.is_set():
            since = time.monotonic()
            try:
                end = f"ended with code {self._live()}"
            except OSError as error:  # no memory, no process to be had: that may pass
                end = f"could not be started ({error})"
            if self._leaving.is_set():
                return
            wait = FIRST_WAIT_SEC if time.monotonic() - since > WELL_SEC else min(wait * 2, LONGEST_WAIT_SEC)
            log.error("The reply worker %s; another one is started in %.1f s.", end, wait)
            self._leaving.wait(wait)

    def _live(self) -> int:
        """Run a desk from start to end and pass its bells on; return its exit code."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                process = _start(theirs)
            self._line = ours
            if self._leaving.is_set():  # meanwhile
                self._send(LEAVE)
            with suppress(OSError):
                while ours.recv(4096):
                    self._send(HEARD)
                    broadcast.publish_here()
            self._line = None
        return process.wait()


def _start(line: socket.socket) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 - our own file
        [sys.executable, str(MAIN), str(line.fileno())],
        stdin=subprocess.DEVNULL,
        pass_fds=[line.fileno()],
        env=os.environ,
    )
