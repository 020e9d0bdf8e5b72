"""The running processes: schedulers, which claim runs, and workers, which execute them for schedulers."""

import os
import socket
import time
from datetime import datetime

from django.db.models import QuerySet

from schedules import cluster_handoff, conf
from schedules.capacity.lateness import Delays
from schedules.models import Scheduler
from schedules.models.scheduler import A_WORKER, SEEN_EVERY_SEC
from stagent.lib import clock, zone_data
from stagent.lib.processes.process_metrics import Sampler
from stagent.lib.text import clip

CAP = conf.BY_NAME["SCHEDULE_MAX_CONCURRENT"]


class ProcessHeartbeat:
    """The heartbeat row of this process."""

    def __init__(
        self,
        holder: str,
        *,
        claims: bool,
        vitals: Sampler | None,
        concurrency: int | None = None,
        pools: str = "",
        delays: Delays | None = None,
    ) -> None:
        self._holder = holder
        self._vitals = vitals
        self._concurrency = concurrency  # a worker's own; schedulers go by the cap
        self._fixed = {"claims": claims, "executes": vitals is not None, "pools": pools}
        self._delays = delays or Delays()
        self._shown_at = float("-inf")
        self.seen_at: datetime | None = None  # as the row says

    def beat(self) -> None:
        """Write the heartbeat every few seconds, and at once after a gap: its instants are recorded next."""
        if not self._delays.is_news and time.monotonic() - self._shown_at < SEEN_EVERY_SEC:
            return
        now = clock.now()
        values = {"seen_at": now, "gaps": self._delays.for_row(), **self._measured(), **self._limit()}
        born = {"started_at": now, "host": clip(socket.gethostname(), 80), "pid": os.getpid()}
        born["zone_data"] = clip(str(zone_data.choose_zone_data()), 60)
        Scheduler.objects.update_or_create(
            holder=self._holder, defaults=values, create_defaults={**values, **born, **self._fixed}
        )
        self._shown_at, self.seen_at, self._delays.is_news = time.monotonic(), now, False

    def end(self) -> None:
        """Delete the row."""
        Scheduler.objects.filter(holder=self._holder).delete()

    def _measured(self) -> dict[str, float | None]:
        vitals = self._vitals
        return {
            "event_loop_lag_ms": vitals.lag_p99_ms if vitals else None,
            "database_wait_ms": vitals.database_wait_p99_ms() if vitals else None,
            "rss_mb": vitals.rss_mb if vitals else None,
        }

    def _limit(self) -> dict[str, int | str]:
        if self._concurrency is not None:
            return {"cap": self._concurrency, "cap_source": "worker"}
        cap = conf.readings(CAP)[0]
        return {"cap": cap.value, "cap_source": cap.source}


def complete(now: datetime) -> bool:
    """Return whether runs are claimed and executed: by a scheduler that executes, or by one and a worker."""
    alive = Scheduler.objects.running(now)
    return any(one.executes for one in alive) and not all(one.is_worker for one in alive)


def missing_kind(now: datetime) -> "tuple[QuerySet[Scheduler], str]":
    """Return the rows of the missing kind of process, and what that means."""
    ticking = any(not one.is_worker for one in Scheduler.objects.running(now))
    if ticking and cluster_handoff.is_cluster():
        return Scheduler.objects.filter(A_WORKER), "No worker is running: schedules fire, and no run starts."
    able = Scheduler.objects.filter(claims=True)
    return able, "No scheduler is running: nothing fires and no run starts."


def can_start(pool: str, now: datetime) -> bool:
    """Return whether a run of this pool that is claimed now would be executed."""
    return complete(now) and pool not in cluster_handoff.unserved(now)
