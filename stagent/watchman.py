"""The thread of each web process that notices when no scheduler is there, for then nobody else can.

It looks a few times a minute and sends such a notice itself: the courier lives in the scheduler.
"""

import logging
import threading
from datetime import datetime

from django.db import close_old_connections, connections

from schedules import watching
from schedules.deliveries.sending import send_due
from stagent.lib import clock

LOOK_EVERY_SEC = 15.0

log = logging.getLogger("stagent.watchman")


class Watchman(threading.Thread):
    """Ends with its process; whatever goes wrong, the next round looks again."""

    def __init__(self, every_sec: float = LOOK_EVERY_SEC) -> None:
        super().__init__(name="watchman", daemon=True)
        self._every_sec = every_sec
        self._leaving = threading.Event()
        self._seen: datetime | None = None  # when a scheduler was last there

    def leave(self) -> None:
        self._leaving.set()

    def run(self) -> None:
        since: datetime | None = None  # when a scheduler could first be expected
        try:
            while not self._leaving.wait(self._every_sec):
                since = since or self._now()
                if since:
                    self._round(since)
        finally:
            connections.close_all()

    def _now(self) -> datetime | None:
        try:
            return clock.now()
        except Exception:
            log.exception("The clock could not be read; tried again.")
            return None

    def _round(self, since: datetime) -> None:
        try:
            close_old_connections()
            now = clock.now()
            if watching.look_for_scheduler(now, since, self._seen):
                self._seen = now
            send_due(now, notice__isnull=False)
        except Exception:
            log.exception("The web could not look for a scheduler; tried again in a while.")
