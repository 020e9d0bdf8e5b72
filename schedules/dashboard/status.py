"""Is a scheduler running, and a worker where one is needed?"""

from dataclasses import dataclass
from datetime import datetime

from schedules import conf
from schedules.models import Scheduler, Setting
from schedules.models.scheduler import A_WORKER


@dataclass(frozen=True)
class SchedulerStatus:
    """The processes that gave a sign of life lately."""

    alive: list[Scheduler]  # those that tick
    workers: list[Scheduler]
    last_seen: datetime | None
    stopped: bool = False  # by the switch that stops all scheduled work
    stopped_since: datetime | None = None  # unknown where the environment says so

    @property
    def executing(self) -> bool:
        """Whether runs are claimed and performed."""
        return bool(self.alive) and (bool(self.workers) or any(one.executes for one in self.alive))

    @property
    def wants_workers(self) -> bool:
        """Whether what is claimed goes to workers."""
        return any(one.claims and not one.executes for one in self.alive)

    @property
    def hosts(self) -> int:
        return len({worker.host for worker in self.workers})


def load(now: datetime) -> SchedulerStatus:
    """Look who is alive, and when the last one was seen."""
    there = Scheduler.objects.running(now)
    workers = [one for one in there if one.is_worker]
    alive = [one for one in there if not one.is_worker]
    newest = alive[0] if alive else Scheduler.objects.exclude(A_WORKER).order_by("-seen_at").first()
    switch = conf.readings(conf.STOP_SWITCH)[0]
    row = Setting.objects.filter(key=conf.STOP_SWITCH.name).first() if switch.source == conf.ADMIN else None
    since = row.changed_at if row and switch.value else None
    return SchedulerStatus(alive, workers, newest.seen_at if newest else None, bool(switch.value), since)
