"""Running schedulers and workers, and the stop switch."""

from dataclasses import dataclass
from datetime import datetime

from schedules import conf
from schedules.models import Scheduler, Setting
from schedules.models.scheduler import A_WORKER


@dataclass(frozen=True)
class SchedulerStatus:
    """The processes with a recent heartbeat."""

    alive: list[Scheduler]  # schedulers
    workers: list[Scheduler]
    last_seen: datetime | None
    stopped: bool = False  # by the stop switch
    stopped_since: datetime | None = None  # unknown if the environment sets the switch

    @property
    def executing(self) -> bool:
        """Whether runs are claimed and executed."""
        return bool(self.alive) and (
            bool(self.workers) or any(scheduler.executes for scheduler in self.alive)
        )

    @property
    def wants_workers(self) -> bool:
        """Whether a scheduler hands its claimed runs to workers."""
        return any(scheduler.claims and not scheduler.executes for scheduler in self.alive)

    @property
    def hosts(self) -> int:
        return len({worker.host for worker in self.workers})


def load(now: datetime) -> SchedulerStatus:
    processes = Scheduler.objects.running(now)
    workers = [process for process in processes if process.is_worker]
    alive = [process for process in processes if not process.is_worker]
    newest = alive[0] if alive else Scheduler.objects.exclude(A_WORKER).order_by("-seen_at").first()
    switch = conf.readings(conf.STOP_SWITCH)[0]
    row = Setting.objects.filter(key=conf.STOP_SWITCH.name).first() if switch.source == conf.ADMIN else None
    since = row.changed_at if row and switch.value else None
    return SchedulerStatus(alive, workers, newest.seen_at if newest else None, bool(switch.value), since)
