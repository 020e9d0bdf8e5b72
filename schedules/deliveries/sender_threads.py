"""The threads that send deliveries, each with its own database connection."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import close_old_connections, connections

from schedules.deliveries.sender import enqueue_due, send_due
from schedules.signals import run_finished, schedule_paused_itself, schedule_warned
from stagent.lib import clock
from stagent.lib.processes.supervised_task import Watched
from stagent.lib.processes.supervisor import SUPERVISOR

GLANCE_SEC = 1.0  # for what other processes posted, and for what is tried again
LEAVE_SEC = 12.0  # for what is being sent when the process leaves
NEWS = (run_finished, schedule_paused_itself, schedule_warned)

log = logging.getLogger(__name__)


class SenderThreads:
    """Woken at once by deliveries of this process, and within a second by those of others.

    Two threads: a webhook that does not answer for ten seconds delays no message to the chat.
    """

    def __init__(self) -> None:
        self._lanes = (ChannelThread("delivery sender", send_due), ChannelThread("chat sender", enqueue_due))

    def start(self) -> None:
        for news in NEWS:
            news.connect(self._wake)
        for lane in self._lanes:
            lane.start()

    def stop(self) -> None:
        """Send what is due now once, then end; an interrupted delivery is sent again by another process."""
        for news in NEWS:
            news.disconnect(self._wake)
        for lane in self._lanes:
            lane.stop()
        for lane in self._lanes:
            lane.join(LEAVE_SEC)

    def _wake(self, **_: Any) -> None:
        for lane in self._lanes:
            lane.wake()


class ChannelThread:
    """Sends the due deliveries of one kind in batches."""

    def __init__(self, name: str, send: Callable[[datetime], int]) -> None:
        self._send = send
        self._woken = threading.Event()
        # A batch waits for the slowest of its targets, and a dead network for the database.
        self._thread = SUPERVISOR.thread(name, self._run, stuck_sec=90, logger=log)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._woken.set()

    def stop(self) -> None:
        self._thread.stop()
        self._woken.set()

    def join(self, timeout: float) -> None:
        self._thread.join(timeout)

    def _run(self, watched: Watched) -> None:
        leaving = False
        try:
            while not leaving:
                self._woken.wait(GLANCE_SEC)
                self._woken.clear()
                leaving = watched.stopping.is_set()  # first: what was posted until then goes out below
                self._round(watched)
        finally:
            connections.close_all()

    def _round(self, watched: Watched) -> None:
        """Send until nothing is due; after an error the next round tries again."""
        try:
            close_old_connections()
            while self._send(clock.now()) and not watched.stopping.is_set():
                watched.beat()
        except Exception as error:  # noqa: BLE001 - told by `failed`
            watched.failed(error)
        else:
            watched.worked()
