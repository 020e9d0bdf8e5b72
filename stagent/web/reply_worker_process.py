"""Starts the reply worker in a child process of the web process, restarts it, passes wake-ups between them.

Agents that use the processor must not slow down pages. A socket pair connects the processes; it carries wake-
ups and no data. When one end closes, the other process is gone: the reply worker finalises its replies and
exits, the web process starts another one.
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
from chat.worker.worker import SHUTDOWN_SEC
from stagent.lib.processes.supervised_task import Watched
from stagent.lib.processes.supervisor import SUPERVISOR

MAIN = settings.BASE_DIR / "stagent" / "web" / "reply_worker_main.py"
WORK, SHUTDOWN, RECEIVED = b"w", b"l", b"h"  # one byte each, as `reply_worker_main` reads them
INTERRUPT_SEC = 5.0  # to finalise the replies that did not end within the worker's own shutdown
LAST_FRAMES_SEC = 0.3  # for the sockets to send how the replies ended
FIRST_RESTART_SEC, LONGEST_RESTART_SEC = 0.5, 30.0  # delay before a restart, doubled each time
STABLE_SEC = 30.0  # a child that lived longer resets the delay

log = logging.getLogger(__name__)


class ReplyWorkerProcess:
    """Keeps one child process running until it is closed."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._closing = threading.Event()
        # The thread blocks in a read for as long as the child lives, so it has no rounds to judge it by.
        self._thread = SUPERVISOR.thread(
            "reply process relay", self._supervise, stuck_sec=math.inf, logger=log
        )

    def open(self) -> None:
        broadcast.on_work(self._notify_work)
        self._thread.start()

    def close(self) -> None:
        """Shut the child down, and wait until its replies are finalised and the sockets have sent that."""
        broadcast.unsubscribe(self._notify_work)
        self._closing.set()
        self._thread.stop()
        self._send(SHUTDOWN)
        self._thread.join(timeout=SHUTDOWN_SEC + INTERRUPT_SEC)
        time.sleep(LAST_FRAMES_SEC)

    def _notify_work(self) -> None:
        self._send(WORK)

    def _send(self, signal: bytes) -> None:
        # A full socket holds a wake-up already. A broken one has no reader, and a new child polls at its
        # start.
        with suppress(OSError):
            if sock := self._socket:
                sock.send(signal, socket.MSG_DONTWAIT)

    def _supervise(self, _: Watched) -> None:
        delay = FIRST_RESTART_SEC
        while not self._closing.is_set():
            started_at = time.monotonic()
            try:
                end = f"ended with code {self._run_child()}"
            except OSError as error:  # no memory or no process left: temporary
                end = f"could not be started ({error})"
            if self._closing.is_set():
                return
            stable = time.monotonic() - started_at > STABLE_SEC
            delay = FIRST_RESTART_SEC if stable else min(delay * 2, LONGEST_RESTART_SEC)
            log.error("The reply worker %s; restarting it in %.1f s.", end, delay)
            self._closing.wait(delay)

    def _run_child(self) -> int:
        """Run a child from start to end and publish the news it signals; return its exit code."""
        ours, childs = socket.socketpair()
        with ours:
            with childs:
                process = _start(childs)
            self._socket = ours
            if self._closing.is_set():  # `close` ran before the socket was set
                self._send(SHUTDOWN)
            with suppress(OSError):
                while ours.recv(4096):
                    self._send(RECEIVED)
                    broadcast.publish_here()
            self._socket = None
        return process.wait()


def _start(sock: socket.socket) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 - our own file
        [sys.executable, str(MAIN), str(sock.fileno())],
        stdin=subprocess.DEVNULL,
        pass_fds=[sock.fileno()],
        env=os.environ,
    )
