"""When a slot is expected: the running runs end as their schedules usually take, and the queue goes first."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from schedules import caps
from schedules import situation as situations
from schedules.blockers import startable
from schedules.conf import Conf
from schedules.durations import Durations
from schedules.models import Run
from schedules.models.slot import DEFAULT_POOL, OVERFLOW_POOL
from schedules.room import Room
from schedules.transitions.queueing import place_in_queue

OVERDUE_SHARE = 0.5  # a run past its usual time is expected to take half as long again
MOST_AHEAD = 1000  # runs in the queue that are simulated


@dataclass(frozen=True)
class Forecast:
    """What somebody who asks for a slot now may expect."""

    eta_sec: int
    position: int  # in the queue, from 1
    blocking: list[int]  # the runs in the way, the one expected to end first in front

    @classmethod
    def of(cls, now: datetime, *, pool: str = "", full: str = DEFAULT_POOL) -> Self:
        """Simulate the slots and the queue in front of a manual run of a pool; `full` is what has no room."""
        conf = caps.load(now)
        durations = Durations(conf)
        running = {run.pk: run for run in Run.objects.running().select_related("schedule")}
        ends = {number: now + remaining(run, durations, now, conf) for number, run in running.items()}
        situation = situations.look(now, conf)
        ahead = startable(situation).filter(claim_order__lte=place_in_queue(now, "manual", 0))
        if full == OVERFLOW_POOL:  # a forced run takes the next place of all, whoever waits
            start = min(ends.values(), default=now)
        else:
            room = Room.of(ends, now, conf.max_concurrent)
            for run in ahead.select_related("schedule")[:MOST_AHEAD]:
                room.take("" if run.forced else run.pool, timedelta(seconds=durations.of(run.schedule)))
            start = room.take(pool, timedelta())
        in_the_way = [number for number, run in running.items() if full != pool or run.pool == pool]
        return cls(
            eta_sec=max(1, -(-round((start - now) / timedelta(milliseconds=1)) // 1000)),
            position=ahead.count() + 1,
            blocking=sorted(in_the_way, key=lambda number: (ends[number], number)),
        )


def remaining(run: Run, durations: Durations, now: datetime, conf: Conf) -> timedelta:
    """Return how long a running run is still expected to run, its deadline being the most."""
    elapsed = run.worked(now, conf.max_run_duration_sec).total_seconds()
    expected = durations.of(run.schedule)
    left = expected - elapsed if elapsed < expected else OVERDUE_SHARE * elapsed
    most = run.time_limit(conf.max_run_duration_sec).total_seconds() - elapsed
    return timedelta(seconds=max(1.0, min(left, most)))
