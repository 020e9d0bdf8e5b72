"""The number of held slots in each minute of a simulated day."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Self

from schedules.forecast.simulation import SimRun

MINUTES = 60 * 26  # a day, and an hour on both sides into which a suggestion may reach
BEFORE = 60


@dataclass(frozen=True)
class Occupancy:
    """The highest number of held slots in each minute; zero outside the day."""

    begin: int  # the first minute, counted from 1970
    held: list[int]

    @classmethod
    def of(cls, jobs: Iterable[SimRun], now: float) -> Self:
        begin = int(now // 60) - BEFORE
        changes = [0] * (MINUTES + 1)
        for job in jobs:
            if job.start is None:
                continue
            first, last = int(job.start // 60) - begin, -int(-job.end // 60) - begin
            if last > 0 and first < MINUTES:
                changes[max(0, first)] += 1
                changes[min(MINUTES, max(last, first + 1))] -= 1
        return cls(begin, list(accumulate(changes))[:-1])

    def most(self, since: float, until: float) -> int:
        """Return the highest number of slots held at once between two moments."""
        first, last = int(since // 60) - self.begin, -int(-until // 60) - self.begin
        return max(self.held[max(0, first) : max(0, last)], default=0)
