"""Estimates when a slot becomes free, from the running runs and the queue."""

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Self

from schedules.capacity import conditions, effective_cap
from schedules.capacity.blockers import Moments, block_all, line, startable
from schedules.capacity.conditions import Facts, StartConditions
from schedules.conf import Conf
from schedules.forecast.duration_history import Basis, Estimate, History
from schedules.forecast.estimates import DurationEstimates
from schedules.models import Pool, Run, Slot
from schedules.models.run import RunQuerySet
from schedules.models.slot import DEFAULT_POOL, OVERFLOW_POOL
from schedules.transitions.enqueue import queue_order
from stagent.lib.db.prepared import Param, Select, Tuples

MOST_AHEAD = 1000  # runs in the queue that are simulated
MOST_NAMED = 3  # schedules
CASES = range(3)  # of a span: the least, the expected, the most


@dataclass(frozen=True)
class SlotEta:
    """The estimate for a run that is requested now."""

    eta_sec: int
    range_sec: tuple[int, int]
    basis: Basis
    taken_from: str  # a sentence
    position: int  # in the queue, from 1
    blocking: list[int]  # the runs in the way, the one expected to end first in front
    held: int  # slots of what has no room
    cap: int

    @classmethod
    def of(cls, now: datetime, *, pool: str = "", full: str = DEFAULT_POOL) -> Self:
        """Simulate the slots and the queue ahead of a manual run of `pool`; `full` is the pool without a free
        slot.
        """
        conf = effective_cap.load(now)
        history = History(conf)
        running = {run.pk: run for run in Run.objects.running().select_related("schedule")}
        left = {number: history.remaining(run, now) for number, run in running.items()}
        in_front = _runs_ahead(now, conf)
        ahead: list[Run] = []
        if full != OVERFLOW_POOL:  # a forced run takes the next place of all, whoever waits
            ahead = list(in_front.select_related("schedule")[:MOST_AHEAD])
        takes = [history.duration(run) for run in ahead]
        if full == OVERFLOW_POOL:
            waits = [min((one.span[case] for one in left.values()), default=0.0) for case in CASES]
        else:
            line = list(zip(ahead, takes, strict=True))
            waits = [_wait_sec(case, left, line, pool, conf, now) for case in CASES]
        low, expected, high = (max(1, -(-round(1000 * sec) // 1000)) for sec in waits)
        blocking_runs = [number for number, run in running.items() if full != pool or run.pool == pool]
        used = [*(left[number] for number in blocking_runs), *takes]
        return cls(
            eta_sec=expected,
            range_sec=(low, high),
            basis=max((one.basis for one in used), default=Basis.LIMIT),
            taken_from=_taken_from(used),
            position=in_front.count() + 1,
            blocking=sorted(blocking_runs, key=lambda number: (left[number].span.mid, number)),
            held=len(blocking_runs),
            cap=_size(full, conf),
        )


def _runs_ahead(now: datetime, conf: Conf) -> RunQuerySet:
    """Return the queued runs ahead of a manual run that is queued now."""
    situation = conditions.load(now, conf, claims=True)  # an estimate takes for granted that somebody works
    return startable(situation).filter(claim_order__lte=queue_order(now, "manual", 0))


def _wait_sec(
    case: int,
    left: Mapping[int, Estimate],
    line: Sequence[tuple[Run, Estimate]],
    pool: str,
    conf: Conf,
    now: datetime,
) -> float:
    """Return the seconds until a slot is free if every duration is at this end of its range."""
    ends = {number: now + timedelta(seconds=one.span[case]) for number, one in left.items()}
    room = SlotTimeline.of(ends, now, conf.max_concurrent)
    for run, one in line:
        room.take("" if run.forced else run.pool, timedelta(seconds=one.span[case]))
    return (room.take(pool, timedelta()) - now).total_seconds()


def _size(full: str, conf: Conf) -> int:
    if full == DEFAULT_POOL:
        return conf.max_concurrent
    if full == OVERFLOW_POOL:
        return conf.max_concurrent + conf.max_overflow
    return Pool.objects.filter(pk=full).values_list("size", flat=True).first() or 0


def _taken_from(used: Iterable[Estimate]) -> str:
    """Describe what the estimate is based on."""
    parts = []
    own = {one.schedule_name: one.runs for one in used if one.basis == Basis.HISTORY}
    if own:
        runs = sum(own.values())
        parts.append(f"{runs} earlier run{'s' * (runs != 1)} of {_listed(own)}")
    if similar := {one.schedule_name: 0 for one in used if one.basis == Basis.SIMILAR}:
        parts.append(f"runs of similar schedules ({_listed(similar)} has none yet)")
    new = {one.schedule_name: 0 for one in used if one.basis == Basis.LIMIT and not one.runs}
    if new:
        parts.append(f"the time limit of {_listed(new)}, because no earlier run tells how long it takes")
    if late := {one.schedule_name: 0 for one in used if one.basis == Basis.LIMIT and one.runs}:
        parts.append(f"the time limit of {_listed(late)}, which runs longer than all its earlier runs")
    return f"Taken from {' and '.join(parts)}." if parts else "No run is under way to take it from."


def _listed(names: Iterable[str]) -> str:
    listed = [f"“{name}”" for name in names]
    more = len(listed) - MOST_NAMED
    return ", ".join(listed[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


type FreeAt = list[datetime]  # at which the places of a pool become free, in order


@dataclass
class SlotTimeline:
    """When the slots of the cap and of the pools become free."""

    cap: FreeAt
    pools: dict[str, FreeAt]
    now: datetime

    @classmethod
    def of(cls, ends: Mapping[int, datetime], now: datetime, cap: int) -> Self:
        """Read the held slots; `ends` maps running runs to their expected ends."""
        held: dict[str, FreeAt] = {}
        for pool, run_id in HELD():
            held.setdefault(pool, []).append(ends.get(run_id or 0, now))
        pools = {pool: _free(held.get(pool, []), size, now) for pool, size in SIZES()}
        return cls(_free(list(ends.values()), cap, now), pools, now)

    def take(self, pool: str, lasts: timedelta) -> datetime:
        """Reserve a slot of the cap and one of the pool for `lasts`; return the start."""
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
    """Return when the slots of a pool become free; slots beyond `size` are closed when their run ends."""
    moments = sorted([*ends, *[now] * max(0, size - len(ends))])
    return moments[max(0, len(moments) - size) :]


def _take(places: FreeAt, earliest: datetime) -> datetime:
    """Reserve the slot that is idle for the shortest time before `earliest`; return the start."""
    best = max(0, bisect_right(places, earliest) - 1)
    return max(places.pop(best), earliest)


OF_ITS_SCHEDULE = [
    f"schedule__{name}" for name in ("profile", "project", "avg_duration_ms", "max_run_duration_sec")
]
OF_ONE_UNDER_WAY = ("status", "schedule_name", "worked_ms", "deadline_at", "max_run_duration_sec")


def expected_starts(situation: StartConditions, most: int = MOST_AHEAD) -> dict[int, datetime]:
    """Return the expected start of each queued run that needs only a slot, in claim order.

    `most` limits how many are simulated; later runs do not affect earlier ones.
    """
    if block_all(situation.facts):
        return {}
    now, conf = situation.now, situation.conf
    durations, history = DurationEstimates(conf), History(conf)
    ends = {run.pk: expected_end(run, history, now) for run in RUNNING()}
    room = SlotTimeline.of(ends, now, conf.max_concurrent)
    in_line = _startable_runs(situation.facts, most)(now=now, chat_exempt_since=situation.chat_exempt_since)
    return {
        run.pk: room.take("" if run.forced else run.pool, timedelta(seconds=durations.of(run.schedule)))
        for run in in_line
    }


def expected_end(run: Run, history: History, now: datetime) -> datetime:
    """Return the expected end of a running run."""
    return now + timedelta(seconds=history.remaining(run, now).span.mid)


@lru_cache(maxsize=100)
def _startable_runs(facts: Facts, most: int) -> Select[Run]:
    at = Moments(Param("now", Run.not_before), Param("chat_exempt_since", Run.due_at))
    runs = line(facts, at).select_related("schedule").only("forced", "pool", *OF_ITS_SCHEDULE)
    return Select(runs[:most], shared=True)


RUNNING = Select(Run.objects.running().select_related("schedule").only(*OF_ONE_UNDER_WAY, *OF_ITS_SCHEDULE))
