"""When a slot is expected: the running runs end as their schedules usually take, and the queue goes first."""

import heapq
from dataclasses import dataclass
from datetime import datetime, timedelta

from schedules import caps
from schedules import situation as situations
from schedules.conf import Conf
from schedules.drain import startable
from schedules.durations import Durations
from schedules.models import Run
from schedules.models.run import RunQuerySet
from schedules.transitions.queueing import place_in_queue

OVERDUE_SHARE = 0.5  # a run past its usual time is expected to take half as long again
MOST_AHEAD = 1000  # runs in the queue that are simulated


@dataclass(frozen=True)
class Forecast:
    """What somebody who asks for a slot now may expect."""

    eta_sec: int
    position: int  # in the queue, from 1
    blocking: list[int]  # the running runs, the one expected to end first in front

    @classmethod
    def of(cls, now: datetime) -> "Forecast":
        """Simulate the slots and the queue in front of a manual run."""
        conf = caps.load(now)
        durations = Durations(conf)
        running = sorted(
            (now + remaining(run, durations, now, conf), run.pk)
            for run in Run.objects.running().select_related("schedule")
        )
        ahead = startable(situations.look(now, conf)).filter(
            claim_order__lte=place_in_queue(now, "manual", 0)
        )
        ends = _simulate([moment for moment, _ in running], _ahead(ahead, durations), now, conf)
        return cls(
            eta_sec=max(1, -(-round((ends[0] - now) / timedelta(milliseconds=1)) // 1000)),
            position=ahead.count() + 1,
            blocking=[run for _, run in running],
        )


def _simulate(ends: list[datetime], ahead: list[float], now: datetime, conf: Conf) -> list[datetime]:
    """Return the heap of moments at which places become free, after the queue took its own."""
    places = places_from(ends, now, conf)
    for duration in ahead:
        heapq.heapreplace(places, places[0] + timedelta(seconds=duration))
    return places


def places_from(ends: list[datetime], now: datetime, conf: Conf) -> list[datetime]:
    """Return the heap of moments at which the places within the cap become free."""
    places = [*ends, *[now] * max(0, conf.max_concurrent - len(ends))]
    heapq.heapify(places)
    for _ in range(len(places) - conf.max_concurrent):
        heapq.heappop(places)  # runs beyond the cap end without leaving a place
    return places


def _ahead(runs: RunQuerySet, durations: Durations) -> list[float]:
    return [durations.of(run.schedule) for run in runs.select_related("schedule")[:MOST_AHEAD]]


def remaining(run: Run, durations: Durations, now: datetime, conf: Conf) -> timedelta:
    """Return how long a running run is still expected to run, its deadline being the most."""
    started = run.started_at or now
    elapsed = (now - started).total_seconds()
    expected = durations.of(run.schedule)
    left = expected - elapsed if elapsed < expected else OVERDUE_SHARE * elapsed
    deadline = run.deadline_at or started + timedelta(seconds=conf.max_run_duration_sec)
    return max(timedelta(seconds=1), min(timedelta(seconds=left), deadline - now))
