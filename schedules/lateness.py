"""How late a firing is, and why as far as that is known."""

import time
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from schedules.models import Scheduler

SECOND = timedelta(seconds=1)
JUMP = timedelta(seconds=5)
MOST_GAPS = 50
FAILED = "the scheduler met errors, such as a database that was away"
UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


class Gap(NamedTuple):
    """A stretch of time in which a scheduler recorded nothing, and why."""

    begin: datetime
    end: datetime
    cause: str


class Clocks(NamedTuple):
    """What three clocks say at one moment: the wall's, the monotonic one, and one that counts sleep too."""

    wall: datetime
    mono: float
    boot: float

    @classmethod
    def read(cls, wall: datetime) -> "Clocks":
        boot = getattr(time, "CLOCK_BOOTTIME", None)
        mono = time.monotonic()
        return cls(wall, mono, mono if boot is None else time.clock_gettime(boot))


@dataclass
class Delays:
    """Why instants could be late: the gaps between the passes of one scheduler, and how long they took.

    Without a scheduler (an edit settles what is due) only the rows of the schedulers are asked.
    """

    busy: timedelta = timedelta()  # the last pass took so long: what came due meanwhile is not late
    gaps: deque[Gap] = field(default_factory=lambda: deque[Gap](maxlen=MOST_GAPS))
    _began: Clocks | None = None
    _rested: Clocks | None = None
    _planned_sec: float = 0.0
    _schedulers: list[Scheduler] | None = None  # read once a pass

    def begin(self, wall: datetime) -> None:
        """Note that a pass begins."""
        here, before = Clocks.read(wall), self._rested
        self._began, self._schedulers = here, None
        if before is None:
            return
        over = here.mono - before.mono - self._planned_sec
        slept = timedelta(seconds=here.boot - before.boot - (here.mono - before.mono))
        stepped = here.wall - before.wall - timedelta(seconds=here.mono - before.mono) - slept
        if slept > SECOND:
            self._note(before, here, f"the machine slept for {span_of(slept)}")
        elif stepped > JUMP:
            self._note(before, here, f"the clock was set forward by {span_of(stepped)}")
        elif over > 1:
            late = span_of(timedelta(seconds=over))
            self._note(before, here, f"the scheduler process did not get to run for {late}")

    def end(self, planned_sec: float, *, failed: bool = False) -> None:
        """Note that a pass is over, and how long the scheduler means to sleep at most."""
        if self._began is None:
            return
        here = Clocks.read(self._began.wall)
        self.busy = timedelta(seconds=here.mono - self._began.mono)
        here = here._replace(wall=self._began.wall + self.busy)
        self._rested, self._planned_sec = here, planned_sec
        if failed:
            self._note(self._began, here, FAILED)
        elif self.busy > SECOND:
            self._note(self._began, here, f"the scheduler was busy for {span_of(self.busy)}")

    def _note(self, begin: Clocks, end: Clocks, cause: str) -> None:
        start = begin.wall
        if self.gaps and self.gaps[-1].cause == cause and start - self.gaps[-1].end < JUMP:
            start = self.gaps.pop().begin
        self.gaps.append(Gap(start, end.wall, cause))

    def cause(self, due_at: datetime) -> str:
        """Return why what was due then was not recorded then; empty where nobody knows."""
        for gap in reversed(self.gaps):
            if gap.begin <= due_at <= gap.end:
                return gap.cause
        if self._schedulers is None:
            self._schedulers = [one for one in Scheduler.objects.all() if not one.is_worker]
        return _who_was_there(self._schedulers, due_at)


def _who_was_there(schedulers: list[Scheduler], moment: datetime) -> str:
    """Tell whether a scheduler was running, as far as their rows say, which are kept for an hour."""
    born = [one for one in schedulers if one.started_at <= moment]
    if any(one.seen_at >= moment for one in born):
        return ""
    if not born:
        return "no scheduler was running"
    last = max(one.seen_at for one in born)
    return f"no scheduler was running; the last one was seen at {last:%H:%M:%S} UTC"


def span_of(length: timedelta) -> str:
    """Say a length of time with its two largest units: "88 ms", "12 s", "1 h 3 min"."""
    if length < SECOND:
        return f"{max(0, round(length / timedelta(milliseconds=1)))} ms"
    rest, said = int(length.total_seconds()), []
    for seconds, unit in UNITS:
        number, rest = divmod(rest, seconds)
        if number:
            said.append(f"{number} {unit}")
    return " ".join(said[:2])
