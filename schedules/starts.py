"""When each queued run is expected to start: the slots, their pools and the queue, simulated."""

from bisect import bisect_right, insort
from datetime import datetime, timedelta

from schedules.drain import startable
from schedules.durations import Durations
from schedules.eta import MOST_AHEAD, places_from, remaining
from schedules.models import Pool, Run, Slot
from schedules.situation import Situation

type Moments = list[datetime]  # at which the places of a pool become free, in order


def starts(situation: Situation) -> dict[int, datetime]:
    """Return the expected start of each queued run that lacks nothing but a slot, first in line first."""
    now, durations = situation.now, Durations(situation.conf)
    ends = {run.pk: now + remaining(run, durations, now, situation.conf) for run in _running()}
    places = sorted(places_from(list(ends.values()), now, situation.conf))
    pools = _pools(ends, now)
    expected = {}
    for run in startable(situation).select_related("schedule")[:MOST_AHEAD]:
        pool = pools.get(run.pool) if not run.forced else None
        start = _take(places, pool[0] if pool else now)
        lasts = timedelta(seconds=durations.of(run.schedule))
        for moments in (places, pool) if pool else (places,):
            insort(moments, start + lasts)
        if pool:
            pool.pop(0)
        expected[run.pk] = start
    return expected


def _running() -> list[Run]:
    return list(Run.objects.running().select_related("schedule"))


def _take(places: Moments, earliest: datetime) -> datetime:
    """Take the place that is idle the shortest before this moment, and return when the run starts in it."""
    best = max(0, bisect_right(places, earliest) - 1)
    return max(places.pop(best), earliest)


def _pools(ends: dict[int, datetime], now: datetime) -> dict[str, Moments]:
    """Return when the places of every pool beside the global cap become free."""
    held: dict[str, Moments] = {}
    for pool, run_id in Slot.objects.held().values_list("pool", "run_id"):
        held.setdefault(pool, []).append(ends.get(run_id or 0, now))
    return {
        pool: _free(held.get(pool, []), size, now) for pool, size in Pool.objects.values_list("name", "size")
    }


def _free(ends: Moments, size: int, now: datetime) -> Moments:
    """Return the moments of a pool of this size; runs beyond it end without leaving a place."""
    moments = sorted([*ends, *[now] * max(0, size - len(ends))])
    return moments[max(0, len(moments) - size) :]
