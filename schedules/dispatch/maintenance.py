"""The slow work of the loop, each part at its own interval."""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection

from schedules import conf
from schedules.cluster_handoff import WakeupSweeper
from schedules.dispatch import retention
from schedules.models import Scheduler
from schedules.monitoring import process_reports
from schedules.monitoring.detectors import Detectors
from schedules.monitoring.rollups import rollup
from stagent.lib.processes.outage import Outage

log = logging.getLogger(__name__)

PRUNE_EVERY_SEC = 600.0
PRUNE_SLICE_SEC = 0.05  # of a pass, for runs are waiting for it; what is left waits for the next one
FORGET_AFTER = timedelta(hours=1)  # a dead scheduler is shown this long, so that its end is noticed


class Maintenance:
    """Updates the rollups, deletes expired rows in batches, and removes dead schedulers."""

    def __init__(self) -> None:
        self._pruned_at = float("-inf")
        self._watch = Detectors()
        self._sweep = WakeupSweeper()
        self._outages: dict[str, Outage] = {}

    def run(self, now: datetime) -> None:
        self._each(self._watch.detect, now)
        self._each(self._sweep.run_if_due)
        self._each(self._prune, now)

    def _each(self, part: Callable[..., object], *arguments: object) -> None:
        """Run one part; its error does not stop the others."""
        outage = self._outages.setdefault(name := part.__qualname__, Outage(log, f"Maintenance ({name})"))
        try:
            part(*arguments)
        except Exception as error:  # noqa: BLE001 - told by `failed`; the next pass tries again
            outage.failed(error)
            connection.close_if_unusable_or_obsolete()
        else:
            outage.worked()

    def _prune(self, now: datetime) -> None:
        if time.monotonic() - self._pruned_at < PRUNE_EVERY_SEC:
            return
        if not rollup.update(now):
            return  # what is not counted yet is not pruned
        done = retention.prune(now, conf.load().metrics_retention_days, seconds=PRUNE_SLICE_SEC)
        Scheduler.objects.filter(seen_at__lt=now - FORGET_AFTER).delete()
        process_reports.forget(now)
        if done:
            self._pruned_at = time.monotonic()
