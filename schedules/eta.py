"""When a slot is expected: the running runs end as their schedules usually take, and the queue goes first."""

import heapq
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Avg

from schedules import situation as situations
from schedules.conf import Conf, load
from schedules.drain import startable
from schedules.models import Run, Schedule
from schedules.models.run import RunQuerySet
from schedules.transitions.queueing import place_in_queue

UNKNOWN_SEC = 60.0  # how long a run is guessed to take where nothing ever ran
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
        conf = load()
        usual = usual_sec()
        running = sorted(
            (now + remaining(run, usual, now, conf), run.pk)
            for run in Run.objects.running().select_related("schedule")
        )
        ahead = startable(situations.look(now, conf)).filter(
            claim_order__lte=place_in_queue(now, "manual", 0)
        )
        ends = _simulate([moment for moment, _ in running], _durations(ahead, usual), now, conf)
        return cls(
            eta_sec=max(1, -(-round((ends[0] - now) / timedelta(milliseconds=1)) // 1000)),
            position=ahead.count() + 1,
            blocking=[run for _, run in running],
        )


def _simulate(ends: list[datetime], durations: list[float], now: datetime, conf: Conf) -> list[datetime]:
    """Return the heap of moments at which places become free, after the queue took its own."""
    places = places_from(ends, now, conf)
    for duration in durations:
        heapq.heapreplace(places, places[0] + timedelta(seconds=duration))
    return places


def places_from(ends: list[datetime], now: datetime, conf: Conf) -> list[datetime]:
    """Return the heap of moments at which the places within the cap become free."""
    places = [*ends, *[now] * max(0, conf.max_concurrent - len(ends))]
    heapq.heapify(places)
    for _ in range(len(places) - conf.max_concurrent):
        heapq.heappop(places)  # runs beyond the cap end without leaving a place
    return places


def _durations(ahead: RunQuerySet, usual: float) -> list[float]:
    averages = ahead.select_related("schedule")[:MOST_AHEAD]
    return [expected_sec(run.schedule, usual) for run in averages]


def expected_sec(schedule: Schedule | None, usual: float) -> float:
    """Return how long a run of this schedule usually takes, in seconds."""
    return usual if schedule is None or schedule.avg_duration_ms is None else schedule.avg_duration_ms / 1000


def remaining(run: Run, usual: float, now: datetime, conf: Conf) -> timedelta:
    """Return how long a running run is still expected to run, its deadline being the most."""
    started = run.started_at or now
    elapsed = (now - started).total_seconds()
    expected = expected_sec(run.schedule, usual)
    left = expected - elapsed if elapsed < expected else OVERDUE_SHARE * elapsed
    deadline = run.deadline_at or started + timedelta(seconds=conf.max_run_duration_sec)
    return max(timedelta(seconds=1), min(timedelta(seconds=left), deadline - now))


def usual_sec() -> float:
    """Return how long a run takes on average over all schedules, in seconds."""
    average = Schedule.objects.aggregate(usual=Avg("avg_duration_ms"))["usual"]
    return UNKNOWN_SEC if average is None else average / 1000
