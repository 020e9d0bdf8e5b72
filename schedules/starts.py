"""When each queued run is expected to start: the slots, their pools and the queue, simulated."""

from datetime import datetime, timedelta

from schedules.blockers import startable
from schedules.durations import Durations
from schedules.eta import MOST_AHEAD, remaining
from schedules.models import Run
from schedules.room import Room
from schedules.situation import Situation


def starts(situation: Situation) -> dict[int, datetime]:
    """Return the expected start of each queued run that lacks nothing but a slot, first in line first."""
    now, conf = situation.now, situation.conf
    durations = Durations(conf)
    ends = {run.pk: now + remaining(run, durations, now, conf) for run in _running()}
    room = Room.of(ends, now, conf.max_concurrent)
    return {
        run.pk: room.take("" if run.forced else run.pool, timedelta(seconds=durations.of(run.schedule)))
        for run in startable(situation).select_related("schedule")[:MOST_AHEAD]
    }


def _running() -> list[Run]:
    return list(Run.objects.running().select_related("schedule"))
