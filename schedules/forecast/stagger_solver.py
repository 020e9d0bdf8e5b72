"""Finds the moves of a stagger proposal (`services.stagger`), by which fewer schedules are due together.

Pure: instants in, moves out.

The load of a five-minute window is the sum of the steps of the schedules that are due in it, each counted
once. Starting with the fullest window, the heaviest schedule is moved whose move leaves every affected window
below that load. No move raises the peak, so the search ends. All minutes of a schedule move together and stay
within their hour: its hours, its days and the time between its instants do not change.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from schedules.timing.cron import CronError, parse

WINDOW = 5  # minutes
FARTHEST = 15  # minutes that a schedule is moved by
MOST_MOVES = 200
MOST_TRIES = 2000
MIN_SHARE = 0.5  # of the peak: windows lower than this are left alone
STEP = re.compile(r".*/(\d{1,2})")
STRETCH = re.compile(r"\d{1,2}-\d{1,2}")
HOUR = 3600


@dataclass(frozen=True)
class ScheduleLoad:
    """A schedule: the minutes since 1970 in which it is due, and the steps of one run."""

    key: int
    steps: float
    minutes: Sequence[int]
    cron: str = ""  # empty where it is not to be moved


@dataclass(frozen=True)
class Move:
    """A schedule and its shift in minutes; negative is earlier."""

    key: int
    by: int
    before: str
    after: str


@dataclass(frozen=True)
class StaggerPlan:
    """The moves, and the steps of the fullest window before and after."""

    moves: list[Move]
    peak_before: int
    peak_after: int


def moved(cron: str, by: int) -> str | None:
    """Return the expression with its minutes shifted; None if one of them would leave its hour."""
    column, _, rest = cron.partition(" ")
    minutes = tuple(minute + by for minute in minutes_of(column))
    return f"{_written(minutes, column)} {rest}" if minutes and 0 <= minutes[0] <= minutes[-1] < 60 else None


@lru_cache(maxsize=1024)
def minutes_of(column: str) -> tuple[int, ...]:
    """Return the minutes that the first column of an expression names; empty if it is invalid."""
    try:
        return tuple(time // 60 for time in parse(f"{column} * * * *").times if time < HOUR)
    except CronError:
        return ()


def _written(minutes: tuple[int, ...], like: str) -> str:
    """Format minutes in the style of another column: */15 shifted by three is 3-59/15."""
    if step := STEP.fullmatch(like):
        short = f"{minutes[0]}-59/{step[1]}" if minutes[0] else f"*/{step[1]}"
        if minutes_of(short) == minutes:
            return short
    if STRETCH.fullmatch(like):
        return f"{minutes[0]}-{minutes[-1]}"
    return ",".join(map(str, minutes))


def shifts(cron: str) -> list[int]:
    """Return the possible shifts of an expression in minutes, nearest first, later before earlier."""
    every = (shift for near in range(1, FARTHEST + 1) for shift in (near, -near))
    return [shift for shift in every if moved(cron, shift)]


def peak(loads: Sequence[ScheduleLoad]) -> int:
    """Return the steps of the fullest window."""
    return LoadCurve(loads).highest


def flatten(loads: Sequence[ScheduleLoad], most: int = MOST_MOVES) -> StaggerPlan:
    """Return the moves that lower the fullest windows; the same for the same loads in any order."""
    curve = LoadCurve(loads)
    before = curve.highest
    while (
        len(curve.by) < most
        and curve.tries < MOST_TRIES
        and (window := curve.fullest(least=MIN_SHARE * before)) is not None
    ):
        if not any(curve.try_to_move(load, window) for load in curve.members(window)):
            curve.exclude(window)
    load_by_key = {load.key: load for load in loads}
    moves = [_move(load_by_key[key], by) for key, by in sorted(curve.by.items()) if by]
    return StaggerPlan(moves, before, curve.highest)


def _move(load: ScheduleLoad, by: int) -> Move:
    return Move(load.key, by, load.cron, moved(load.cron, by) or load.cron)


class LoadCurve:
    """The steps in each window, and the position of every schedule."""

    def __init__(self, loads: Sequence[ScheduleLoad]) -> None:
        self._loads = sorted(loads, key=lambda load: (-load.steps, load.key))
        self.by: dict[int, int] = {}
        self.tries = 0
        self._best: dict[int, tuple[int, int]] = {}  # of `_best_shift`; cleared after every move
        # A load without minutes has no edges: as 0 they would make a window for each minute since 1970.
        every = [
            minute for load in loads if load.minutes for minute in (min(load.minutes), max(load.minutes))
        ]
        self._base = min(every, default=0) - WINDOW - FARTHEST
        self._steps = [0] * (max(every, default=0) + FARTHEST + 1 - self._base)
        self._at = {load.key: self._windows(load) for load in loads}
        for load in loads:
            self._add(self._at[load.key], _weight(load))
        self._open = list(self._steps)  # those of windows that may still get lower
        known = {cron: [0, *shifts(cron)] for cron in {load.cron for load in loads if load.cron}}
        self._shifts = {load.key: known[load.cron] for load in loads if load.cron}

    @property
    def highest(self) -> int:
        return max(self._steps)

    def fullest(self, least: float) -> int | None:
        """Return the fullest open window; None if it holds fewer than `least` steps."""
        highest = max(self._open)
        return self._open.index(highest) if highest >= max(1, least) else None

    def exclude(self, window: int) -> None:
        """Exclude a window: no move lowers it."""
        self._open[window] = -1

    def members(self, window: int) -> Iterator[ScheduleLoad]:
        """Yield the movable schedules of a window, heaviest first."""
        return (load for load in self._loads if load.key in self._shifts and window in self._at[load.key])

    def try_to_move(self, load: ScheduleLoad, window: int) -> bool:
        """Move a schedule to its best position if that lowers this window."""
        self.tries += 1
        if load.key not in self._best:
            self._best[load.key] = self._best_shift(load)
        by, after = self._best[load.key]
        if after >= self._steps[window]:
            return False
        self._move(load, by)
        return True

    def _best_shift(self, load: ScheduleLoad) -> tuple[int, int]:
        """Return the best shift of a schedule, and the load of the affected windows after it."""
        old, now_by = self._at[load.key], self.by.get(load.key, 0)
        self._add(old, -_weight(load))
        levels = {by: self._level(old, by - now_by) for by in self._shifts[load.key]}
        best = min(levels, key=levels.__getitem__)
        after = max(levels[best] + _weight(load), self._level(old))
        self._add(old, _weight(load))
        return best, after

    def _move(self, load: ScheduleLoad, by: int) -> None:
        old = self._at[load.key]
        new = frozenset(at + by - self.by.get(load.key, 0) for at in old)
        self._add(old, -_weight(load))
        self._add(new, _weight(load))
        self.by[load.key], self._at[load.key] = by, new
        for at in old | new:
            self._open[at] = -1 if self._open[at] < 0 else self._steps[at]
        self._best.clear()

    def _level(self, windows: frozenset[int], away: int = 0) -> int:
        steps = self._steps
        return max([steps[at + away] for at in windows])  # a list: three times as fast as a generator

    def _windows(self, load: ScheduleLoad) -> frozenset[int]:
        """Return the windows in which it is due, each as its first minute."""
        return frozenset(minute - self._base - back for minute in load.minutes for back in range(WINDOW))

    def _add(self, windows: frozenset[int], steps: int) -> None:
        for at in windows:
            self._steps[at] += steps


def _weight(load: ScheduleLoad) -> int:
    return max(1, round(load.steps))
