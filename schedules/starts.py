"""When each queued run is expected to start: the slots, their pools and the queue, simulated."""

from datetime import datetime, timedelta

from schedules.blockers import startable
from schedules.durations import Durations
from schedules.eta import MOST_AHEAD
from schedules.history import History
from schedules.models import Run
from schedules.room import Room
from schedules.situation import Situation


def starts(situation: Situation) -> dict[int, datetime]:
    """Return the expected start of each queued run that lacks nothing but a slot, first in line first."""
    now, conf = situation.now, situation.conf
    durations, history = Durations(conf), History(conf)
    ends = {run.pk: expected_end(run, history, now) for run in _running()}
    room = Room.of(ends, now, conf.max_concurrent)
    return {
        run.pk: room.take("" if run.forced else run.pool, timedelta(seconds=durations.of(run.schedule)))
        for run in startable(situation).select_related("schedule")[:MOST_AHEAD]
    }


def expected_end(run: Run, history: History, now: datetime) -> datetime:
    """Return when a running run is expected to end."""
    return now + timedelta(seconds=history.remaining(run, now).span.mid)


def _running() -> list[Run]:
    return list(Run.objects.running().select_related("schedule"))
