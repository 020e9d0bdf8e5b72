"""How late a firing is, and why if known."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import NamedTuple

from schedules.models import Scheduler

SECOND = timedelta(seconds=1)
JUMP = timedelta(seconds=5)
MOST_GAPS = 20
NOT_THERE = ""  # the cause of a gap in which the process did not run
FAILED = "the scheduler had errors, such as an unavailable database"
UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


class Downtime(NamedTuple):
    """A period in which a scheduler recorded nothing, and why."""

    begin: datetime
    end: datetime
    cause: str


class Clocks(NamedTuple):
    """Three clocks at one moment: wall clock, monotonic, and boot time, which includes sleep."""

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
    """How long one scheduler was busy, and the gaps between its passes, which its row stores.

    The cause of lateness is read only from the rows of all schedulers, so that it does not depend on who
    records the instant.
    """

    busy: timedelta = timedelta()  # the last pass took so long: what came due meanwhile is not late
    gaps: deque[Downtime] = field(default_factory=lambda: deque[Downtime](maxlen=MOST_GAPS))
    is_news: bool = False  # whether there are gaps that the row does not tell yet
    _began: Clocks | None = None
    _rested: Clocks | None = None
    _planned_sec: float = 0.0
    _schedulers: list[Scheduler] | None = None  # read once a pass

    def begin(self, wall: datetime, seen_at: datetime | None = None) -> None:
        """Start a pass; `seen_at` is the last heartbeat in the row."""
        here, before = Clocks.read(wall), self._rested
        self._began, self._schedulers = here, None
        if before is None:
            return
        over = here.mono - before.mono - self._planned_sec
        slept = timedelta(seconds=here.boot - before.boot - (here.mono - before.mono))
        stepped = here.wall - before.wall - timedelta(seconds=here.mono - before.mono) - slept
        if slept > SECOND:
            self._add_gap(before.wall, here.wall, f"the machine was asleep for {span_of(slept)}")
        elif stepped > JUMP:
            self._add_gap(before.wall, here.wall, f"the clock was set forward by {span_of(stepped)}")
        elif over > 1:  # it was stopped, or got no time: as if it had not been there
            self._add_gap(min(seen_at or before.wall, before.wall), here.wall, NOT_THERE)

    def end(self, planned_sec: float, *, failed: bool = False) -> None:
        """End a pass; `planned_sec` is the longest planned sleep."""
        if self._began is None:
            return
        here = Clocks.read(self._began.wall)
        self.busy = timedelta(seconds=here.mono - self._began.mono)
        here = here._replace(wall=self._began.wall + self.busy)
        self._rested, self._planned_sec = here, planned_sec
        if failed:
            self._add_gap(self._began.wall, here.wall, FAILED)
        elif self.busy > SECOND:
            self._add_gap(self._began.wall, here.wall, f"the scheduler was busy for {span_of(self.busy)}")

    def _add_gap(self, begin: datetime, end: datetime, cause: str) -> None:
        if self.gaps and self.gaps[-1].cause == cause and begin - self.gaps[-1].end < JUMP:
            begin = self.gaps.pop().begin
        self.gaps.append(Downtime(begin, end, cause))
        self.is_news = True

    def for_row(self) -> list[list[str]]:
        """Return the gaps in the form that the row stores."""
        return [[gap.begin.isoformat(), gap.end.isoformat(), gap.cause] for gap in self.gaps]

    def cause(self, due_at: datetime) -> str:
        """Return why an instant due then was not recorded then; empty if unknown."""
        if self._schedulers is None:
            self._schedulers = [one for one in Scheduler.objects.all() if not one.is_worker]
        return cause_of(due_at, self._schedulers)


def cause_of(moment: datetime, schedulers: Sequence[Scheduler]) -> str:
    """Return why no scheduler recorded what was due at a moment, according to their rows.

    Rows are kept for an hour. Empty if a scheduler was working, or if it is unknown.
    """
    born = [one for one in schedulers if one.started_at <= moment]
    there = [one for one in born if one.seen_at >= moment]
    gaps = [gap for one in there if (gap := _gap_at(one, moment))]
    if len(gaps) < len(there):
        return ""
    if known := [gap for gap in gaps if gap.cause != NOT_THERE]:
        return min(known, key=attrgetter("end")).cause  # of whoever could have recorded it first
    if not born:
        return "no scheduler was running"
    last = max([gap.begin for gap in gaps] + [one.seen_at for one in born if one.seen_at < moment])
    return f"no scheduler was running; the last one was seen at {last:%H:%M:%S} UTC"


def _gap_at(scheduler: Scheduler, moment: datetime) -> Downtime | None:
    for begin, end, cause in reversed(scheduler.gaps):
        gap = Downtime(datetime.fromisoformat(begin), datetime.fromisoformat(end), cause)
        if gap.begin <= moment <= gap.end:
            return gap
    return None


def span_of(length: timedelta) -> str:
    """Format a duration with its two largest units: "88 ms", "12 s", "1 h 3 min"."""
    if length < SECOND:
        return f"{max(0, round(length / timedelta(milliseconds=1)))} ms"
    rest, said = int(length.total_seconds()), []
    for seconds, unit in UNITS:
        number, rest = divmod(rest, seconds)
        if number:
            said.append(f"{number} {unit}")
    return " ".join(said[:2])
