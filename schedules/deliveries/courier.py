"""The thread that sends what is due, with a connection of its own: nobody waits for a slow target."""

import logging
import threading
from typing import Any

from django.db import close_old_connections, connections

from schedules.deliveries.sending import send_due
from schedules.signals import run_finished, schedule_paused_itself
from stagent.lib import clock

GLANCE_SEC = 1.0  # for what other processes posted, and for what is tried again
LEAVE_SEC = 12.0  # for what is being sent when the process leaves

log = logging.getLogger("stagent.deliveries")


class Courier:
    """Woken by news of this process at once, by all other news within a second."""

    def __init__(self) -> None:
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
        self._woken, self._leaving = threading.Event(), threading.Event()

    def start(self) -> None:
        for news in (run_finished, schedule_paused_itself):
            news.connect(self._wake)
        self._thread.start()

    def stop(self) -> None:
        """Send what is due now, once, and leave; what is cut short is sent again by somebody else."""
        for news in (run_finished, schedule_paused_itself):
            news.disconnect(self._wake)
        self._leaving.set()
        self._woken.set()
        self._thread.join(timeout=LEAVE_SEC)

    def _wake(self, **_: Any) -> None:
        self._woken.set()

    def _run(self) -> None:
        leaving = False
        try:
            while not leaving:
                self._woken.wait(GLANCE_SEC)
                self._woken.clear()
                leaving = self._leaving.is_set()  # asked first: what was posted until then goes out below
                self._round()
        finally:
            connections.close_all()

    def _round(self) -> None:
        """Send until nothing is due; whatever goes wrong, the next round tries again."""
        try:
            close_old_connections()
            while send_due(clock.now()) and not self._leaving.is_set():
                pass
        except Exception:
            log.exception("Deliveries could not be looked after; tried again in a second.")
