"""When places to run become free, of the cap and of each pool: runs end, and others take their places."""

from bisect import bisect_right, insort
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from schedules.models import Pool, Slot
from stagent.lib.prepared import Tuples

type FreeAt = list[datetime]  # at which the places of a pool become free, in order


@dataclass
class Room:
    """The places under the cap, and those of the pools beside it."""

    cap: FreeAt
    pools: dict[str, FreeAt]
    now: datetime

    @classmethod
    def of(cls, ends: Mapping[int, datetime], now: datetime, cap: int) -> Self:
        """Look at the slots; `ends` tells of each running run when it is expected to end."""
        held: dict[str, FreeAt] = {}
        for pool, run_id in HELD():
            held.setdefault(pool, []).append(ends.get(run_id or 0, now))
        pools = {pool: _free(held.get(pool, []), size, now) for pool, size in SIZES()}
        return cls(_free(list(ends.values()), cap, now), pools, now)

    def take(self, pool: str, lasts: timedelta) -> datetime:
        """Let a run start as soon as it can, in a place of the cap and one of its pool; return when."""
        own = self.pools.get(pool)
        start = _take(self.cap, own[0] if own else self.now)
        insort(self.cap, start + lasts)
        if own:
            own.pop(0)
            insort(own, start + lasts)
        return start


HELD = Tuples(Slot.objects.held().order_by().values_list("pool", "run_id"))
SIZES = Tuples(Pool.objects.order_by().values_list("name", "size"))


def _free(ends: FreeAt, size: int, now: datetime) -> FreeAt:
    """Return the moments of a pool of this size; runs beyond it end without leaving a place."""
    moments = sorted([*ends, *[now] * max(0, size - len(ends))])
    return moments[max(0, len(moments) - size) :]


def _take(places: FreeAt, earliest: datetime) -> datetime:
    """Take the place that is idle the shortest before this moment, and return when the run starts in it."""
    best = max(0, bisect_right(places, earliest) - 1)
    return max(places.pop(best), earliest)
