"""Is a scheduler running?"""

from dataclasses import dataclass
from datetime import datetime

from schedules.models import Scheduler


@dataclass(frozen=True)
class Pulse:
    """The scheduler processes that gave a sign of life lately."""

    alive: list[Scheduler]
    last_seen: datetime | None

    @property
    def executing(self) -> bool:
        return any(scheduler.executes for scheduler in self.alive)


def take(now: datetime) -> Pulse:
    """Look who is alive, and when the last one was seen."""
    alive = Scheduler.objects.running(now)
    newest = alive[0] if alive else Scheduler.objects.order_by("-seen_at").first()
    return Pulse(alive, newest.seen_at if newest else None)
