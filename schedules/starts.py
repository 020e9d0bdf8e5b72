"""When each queued run is expected to start: the slots, their pools and the queue, simulated."""

from datetime import datetime, timedelta
from functools import lru_cache

from schedules.blockers import Moments, hold_everybody, line
from schedules.durations import Durations
from schedules.eta import MOST_AHEAD
from schedules.history import History
from schedules.models import Run
from schedules.room import Room
from schedules.situation import Facts, Situation
from stagent.lib.prepared import Given, Select

OF_ITS_SCHEDULE = [
    f"schedule__{name}" for name in ("profile", "project", "avg_duration_ms", "max_run_duration_sec")
]
OF_ONE_UNDER_WAY = ("status", "schedule_name", "worked_ms", "deadline_at", "max_run_duration_sec")


def starts(situation: Situation, most: int = MOST_AHEAD) -> dict[int, datetime]:
    """Return the expected start of each queued run that lacks nothing but a slot, first in line first.

    `most` is how many of them are simulated: whoever stands behind changes nothing for those in front.
    """
    if hold_everybody(situation.facts):
        return {}
    now, conf = situation.now, situation.conf
    durations, history = Durations(conf), History(conf)
    ends = {run.pk: expected_end(run, history, now) for run in RUNNING()}
    room = Room.of(ends, now, conf.max_concurrent)
    in_line = _in_line(situation.facts, most)(now=now, chat_exempt_since=situation.chat_exempt_since)
    return {
        run.pk: room.take("" if run.forced else run.pool, timedelta(seconds=durations.of(run.schedule)))
        for run in in_line
    }


def expected_end(run: Run, history: History, now: datetime) -> datetime:
    """Return when a running run is expected to end."""
    return now + timedelta(seconds=history.remaining(run, now).span.mid)


@lru_cache(maxsize=100)
def _in_line(facts: Facts, most: int) -> Select[Run]:
    at = Moments(Given("now", Run.not_before), Given("chat_exempt_since", Run.due_at))
    runs = line(facts, at).select_related("schedule").only("forced", "pool", *OF_ITS_SCHEDULE)
    return Select(runs[:most], shared=True)


RUNNING = Select(Run.objects.running().select_related("schedule").only(*OF_ONE_UNDER_WAY, *OF_ITS_SCHEDULE))
