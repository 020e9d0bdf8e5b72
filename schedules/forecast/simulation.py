"""The queue and the slots of the coming hours, played through. Pure: plans in, the fate of each firing out.

It claims as the drain does: within the cap and the pools, highest priority first, then oldest; no run starts
beside one of its own schedule unless it may. What nobody knows beforehand is left out: people, chat, retries.
"""

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf

from schedules.states import OverlapPolicy

# Looked up once: there are tens of thousands of firings.
ALLOW, QUEUE_ONE, CANCEL_RUNNING = OverlapPolicy.ALLOW, OverlapPolicy.QUEUE_ONE, OverlapPolicy.CANCEL_RUNNING

type Arrival = tuple[
    float, float, int
]  # when it is due, less than nothing if it goes first, the plan's number


class SimOutcome(StrEnum):
    """What becomes of a firing."""

    RUNS = "runs"
    SKIPPED = "skipped_overlap"  # an earlier run of its schedule is in the way
    EXPIRED = "expired_in_queue"  # it waited longer than it is wanted
    REPLACED = "replaced"  # a newer firing of its schedule cancels it


@dataclass(frozen=True, slots=True)
class SimSchedule:
    """What one schedule is going to ask for; moments in Unix seconds."""

    dues: Sequence[float] = ()
    most: int | None = None  # firings; one that is skipped does not count
    takes_sec: float = 60.0
    patience_sec: float = inf  # how long a queued run is wanted
    overlap: str = OverlapPolicy.SKIP
    head_start_sec: float = 0.0  # in the queue
    pool: str = ""


@dataclass(slots=True, eq=False)
class ScheduleState:
    """A plan and what it has under way; most tracks are empty most of the time."""

    number: int
    plan: SimSchedule
    left: int | None  # how many firings it may still have
    alone: bool  # no run of it starts beside another
    jobs: list["SimRun"] = field(default_factory=list)  # that wait or run
    busy: int = 0  # how many of them run


@dataclass(slots=True, eq=False)
class SimRun:
    """One firing on its way."""

    track: ScheduleState
    due: float
    start: float | None = None
    end: float = inf
    fate: SimOutcome | None = None

    @property
    def plan(self) -> int:
        """The number of its plan."""
        return self.track.number

    @property
    def wait_sec(self) -> float:
        return 0.0 if self.start is None else self.start - self.due


def arrivals(plans: Sequence[SimSchedule]) -> list[Arrival]:
    """Return every planned firing in the order in which they come due."""
    return sorted(
        (due, -plan.head_start_sec, number) for number, plan in enumerate(plans) for due in plan.dues
    )


@dataclass
class Simulation:
    """Slots and a queue; `pools` tells how many places each pool has beside the cap."""

    plans: Sequence[SimSchedule]
    cap: int
    pools: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.jobs: list[SimRun] = []
        self.present: list[SimRun] = []  # what runs or waits from the beginning
        self.peak_running = self.peak_waiting = 0
        self.peak_at = -inf
        self._running = self._waiting = self._pushed = 0
        self._tracks = [
            ScheduleState(number, plan, plan.most, plan.overlap != ALLOW)
            for number, plan in enumerate(self.plans)
        ]
        self._in_pool: dict[str, int] = defaultdict(int)
        self._ends: list[tuple[float, int, SimRun]] = []
        self._queues: dict[str, list[tuple[float, int, SimRun]]] = defaultdict(list)

    def already_running(self, plan: int, since: float, end: float) -> None:
        """Let a run hold a slot from the beginning."""
        self.present.append(job := SimRun(self._tracks[plan], since))
        self._start(job, since, end)

    def already_queued(self, plan: int, since: float) -> None:
        """Let a run wait from the beginning; call it in the order of the queue."""
        self.present.append(job := SimRun(self._tracks[plan], since))
        self._enqueue(job)

    def play(self, now: float, coming: Sequence[Arrival] | None = None) -> list[SimRun]:
        """Let every planned firing happen, and return them all in the order in which they come due."""
        self._fill(now)
        ends, tracks = self._ends, self._tracks
        for due, _, number in arrivals(self.plans) if coming is None else coming:
            if ends and ends[0][0] <= due:
                self._let_end(due)
            track = tracks[number]
            if track.left == 0:
                continue  # its schedule is completed
            self._arrive(SimRun(track, due))
            if self._waiting:
                if self._running < self.cap:
                    self._fill(due)
                self.peak_waiting = max(self.peak_waiting, self._waiting)
        self._let_end(inf)
        return self.jobs

    def _arrive(self, job: SimRun) -> None:
        """Queue a firing, or skip it, as the overlap policy of its schedule says."""
        self.jobs.append(job)
        track = job.track
        if track.jobs and track.alone and self._is_in_the_way(job, track):
            job.fate = SimOutcome.SKIPPED
            return
        if track.left is not None:
            track.left -= 1
        # Most start at once: nobody waits, and there is room.
        if (
            self._waiting
            or self._running >= self.cap
            or (track.busy and track.alone)
            or (track.plan.pool and not self._has_room(track.plan.pool))
        ):
            self._enqueue(job)
        else:
            self._start(job, job.due)

    def _is_in_the_way(self, job: SimRun, track: ScheduleState) -> bool:
        """Tell whether an earlier firing of its plan keeps it from being queued; those too old are over."""
        plan = track.plan
        for earlier in tuple(track.jobs):
            if earlier.start is None and job.due > earlier.due + plan.patience_sec:
                self._drop(earlier, SimOutcome.EXPIRED)
        if plan.overlap == CANCEL_RUNNING:
            for earlier in tuple(track.jobs):
                self._replace(earlier, job.due)
        elif plan.overlap == QUEUE_ONE:
            return len(track.jobs) > track.busy
        return bool(track.jobs)

    def _replace(self, earlier: SimRun, moment: float) -> None:
        if earlier.start is None:
            self._drop(earlier, SimOutcome.REPLACED)
        else:
            earlier.end, earlier.fate = moment, SimOutcome.REPLACED
            self._leave(earlier)

    def _enqueue(self, job: SimRun) -> None:
        plan = job.track.plan
        job.track.jobs.append(job)
        self._waiting += 1
        self._pushed += 1
        heapq.heappush(self._queues[plan.pool], (job.due - plan.head_start_sec, self._pushed, job))

    def _drop(self, job: SimRun, fate: SimOutcome) -> None:
        """End a job that never ran; it stays in its heap until it comes to the front."""
        job.fate = fate
        self._waiting -= 1
        job.track.jobs.remove(job)

    def _let_end(self, moment: float) -> None:
        """Let runs end until a moment, and the next ones start in their places."""
        ends = self._ends
        while ends and ends[0][0] <= moment:
            end, _, job = heapq.heappop(ends)
            if job.fate == SimOutcome.RUNS:  # a replaced one has left already
                self._leave(job)
                if self._waiting:
                    self._fill(end)

    def _leave(self, job: SimRun) -> None:
        track = job.track
        self._running -= 1
        track.busy -= 1
        track.jobs.remove(job)
        if track.plan.pool:
            self._in_pool[track.plan.pool] -= 1

    def _fill(self, moment: float) -> None:
        """Start what is first in line until the cap is full."""
        while self._waiting and self._running < self.cap and (job := self._next(moment)):
            self._waiting -= 1
            job.track.jobs.remove(job)
            self._start(job, moment)

    def _next(self, moment: float) -> SimRun | None:
        """Take the first job in line whose pool has room and whose schedule is not running."""
        behind: list[tuple[str, tuple[float, int, SimRun]]] = []
        found = None
        while found is None and (pool := self._first_in_line(moment)) is not None:
            entry = heapq.heappop(self._queues[pool])
            track = entry[2].track
            if track.busy and track.alone:
                behind.append((pool, entry))
            else:
                found = entry[2]
        for pool, entry in behind:
            heapq.heappush(self._queues[pool], entry)
        return found

    def _first_in_line(self, moment: float) -> str | None:
        """Return the pool with room in which somebody waits longest."""
        first, found = None, None
        for pool, queue in self._queues.items():
            while queue and self._is_over(queue[0][2], moment):
                heapq.heappop(queue)
            if queue and (first is None or queue[0] < first) and (not pool or self._has_room(pool)):
                first, found = queue[0], pool
        return found

    def _is_over(self, job: SimRun, moment: float) -> bool:
        if job.fate is not None:
            return True
        if moment <= job.due + job.track.plan.patience_sec:
            return False
        self._drop(job, SimOutcome.EXPIRED)
        return True

    def _has_room(self, pool: str) -> bool:
        return self._in_pool[pool] < self.pools.get(pool, 1)

    def _start(self, job: SimRun, start: float, end: float | None = None) -> None:
        """Let a job hold a slot, for as long as its plan takes."""
        track = job.track
        job.start, job.fate = start, SimOutcome.RUNS
        job.end = start + track.plan.takes_sec if end is None else end
        self._running += 1
        if self._running > self.peak_running:
            self.peak_running, self.peak_at = self._running, start
        track.busy += 1
        track.jobs.append(job)
        if track.plan.pool:
            self._in_pool[track.plan.pool] += 1
        self._pushed += 1
        heapq.heappush(self._ends, (job.end, self._pushed, job))
