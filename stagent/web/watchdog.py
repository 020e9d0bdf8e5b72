"""The thread of each web process that detects a missing scheduler.

It checks a few times a minute and sends the notice itself, because deliveries are sent by the scheduler.
"""

import logging
from datetime import datetime

from django.db import close_old_connections, connections

from schedules.deliveries.sender import send_due
from schedules.monitoring import detectors
from stagent.lib import clock
from stagent.lib.processes.supervised_task import Watched
from stagent.lib.processes.supervisor import SUPERVISOR

LOOK_EVERY_SEC = 15.0

log = logging.getLogger(__name__)


class Watchdog:
    """Ends with its process; after an error the next round checks again."""

    def __init__(self, every_sec: float = LOOK_EVERY_SEC) -> None:
        self._every_sec = every_sec
        self._since: datetime | None = None  # when a scheduler could first be expected
        self._seen: datetime | None = None  # when a scheduler was last there
        self.thread = SUPERVISOR.thread("scheduler watch", self._run, stuck_sec=every_sec + 60, logger=log)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.thread.stop()

    def _run(self, watched: Watched) -> None:
        try:
            while not watched.stopping.wait(self._every_sec):
                try:
                    self._round()
                except Exception as error:  # noqa: BLE001 - told by `failed`
                    watched.failed(error)
                else:
                    watched.worked()
        finally:
            connections.close_all()

    def _round(self) -> None:
        close_old_connections()
        now = clock.now()
        self._since = self._since or now
        if detectors.detect_missing_scheduler(now, self._since, self._seen):
            self._seen = now
        send_due(now, notice__isnull=False)
