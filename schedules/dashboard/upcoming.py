"""The schedules that fire next."""

from dataclasses import dataclass
from datetime import datetime

from schedules.models import Schedule
from schedules.timing.describe import rhythm

MOST = 8


@dataclass(frozen=True)
class Upcoming:
    """A schedule and its next firing; `deferred` while it waits for chat."""

    schedule: Schedule
    rhythm: str
    fires_at: datetime
    deferred: bool


def load(now: datetime, most: int = MOST) -> list[Upcoming]:
    """Return the schedules that fire next, soonest first."""
    soonest = Schedule.objects.active().exclude(next_fire_at=None).order_by("next_fire_at", "pk")[:most]
    return [_upcoming(schedule, now) for schedule in soonest]


def _upcoming(schedule: Schedule, now: datetime) -> Upcoming:
    assert schedule.next_fire_at is not None
    deferred = schedule.deferred_until is not None and schedule.deferred_until > now
    moment = schedule.deferred_until if deferred else schedule.next_fire_at
    assert moment is not None
    return Upcoming(schedule, rhythm(schedule), moment, deferred)
