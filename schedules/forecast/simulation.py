"""Simulates the queue and the slots. Pure: plans in, the outcome of each firing out.

It claims like the drain: within the cap and the pools, highest priority first, then oldest; runs of one
schedule do not overlap unless its policy allows it. People, chat and retries are not simulated.
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

type Arrival = tuple[float, float, int]  # due, minus the head start, index of the schedule


class SimOutcome(StrEnum):
    """The outcome of a simulated firing."""

    RUNS = "runs"
    SKIPPED = "skipped_overlap"  # an earlier run of its schedule is in the way
    EXPIRED = "expired_in_queue"  # it waited longer than it is wanted
    REPLACED = "replaced"  # a newer firing of its schedule cancels it


@dataclass(frozen=True, slots=True)
class SimSchedule:
    """What one schedule asks for; moments are Unix seconds."""

    dues: Sequence[float] = ()
    most: int | None = None  # firings; one that is skipped does not count
    takes_sec: float = 60.0
    patience_sec: float = inf  # how long a queued run is wanted
    overlap: str = OverlapPolicy.SKIP
    head_start_sec: float = 0.0  # in the queue
    pool: str = ""


@dataclass(slots=True, eq=False)
class ScheduleState:
    """A plan with its queued and running runs."""

    number: int
    plan: SimSchedule
    left: int | None  # how many firings it may still have
    exclusive: bool  # no run of it starts beside another
    jobs: list["SimRun"] = field(default_factory=list)  # that wait or run
    running: int = 0  # how many of them run


@dataclass(slots=True, eq=False)
class SimRun:
    """One simulated firing."""

    state: ScheduleState
    due: float
    start: float | None = None
    end: float = inf
    outcome: SimOutcome | None = None

    @property
    def plan(self) -> int:
        """The index of its plan."""
        return self.state.number

    @property
    def wait_sec(self) -> float:
        return 0.0 if self.start is None else self.start - self.due


def arrivals(plans: Sequence[SimSchedule]) -> list[Arrival]:
    """Return every planned firing in the order in which they are due."""
    return sorted(
        (due, -plan.head_start_sec, number) for number, plan in enumerate(plans) for due in plan.dues
    )


@dataclass
class Simulation:
    """The slots and the queue; `pools` maps each pool to its size."""

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

    def add_running(self, plan: int, since: float, end: float) -> None:
        """Add a run that holds a slot from the beginning."""
        self.present.append(job := SimRun(self._tracks[plan], since))
        self._start(job, since, end)

    def add_queued(self, plan: int, since: float) -> None:
        """Add a run that is queued from the beginning; call it in queue order."""
        self.present.append(job := SimRun(self._tracks[plan], since))
        self._enqueue(job)

    def play(self, now: float, coming: Sequence[Arrival] | None = None) -> list[SimRun]:
        """Simulate every planned firing; return them all in the order in which they are due."""
        self._fill(now)
        ends, states = self._ends, self._tracks
        for due, _, number in arrivals(self.plans) if coming is None else coming:
            if ends and ends[0][0] <= due:
                self._end_until(due)
            state = states[number]
            if state.left == 0:
                continue  # its schedule is completed
            self._arrive(SimRun(state, due))
            if self._waiting:
                if self._running < self.cap:
                    self._fill(due)
                self.peak_waiting = max(self.peak_waiting, self._waiting)
        self._end_until(inf)
        return self.jobs

    def _arrive(self, job: SimRun) -> None:
        """Queue a firing, or skip it, according to the overlap policy of its schedule."""
        self.jobs.append(job)
        state = job.state
        if state.jobs and state.exclusive and self._is_in_the_way(job, state):
            job.outcome = SimOutcome.SKIPPED
            return
        if state.left is not None:
            state.left -= 1
        # Most start at once: nobody waits, and there is room.
        if (
            self._waiting
            or self._running >= self.cap
            or (state.running and state.exclusive)
            or (state.plan.pool and not self._has_room(state.plan.pool))
        ):
            self._enqueue(job)
        else:
            self._start(job, job.due)

    def _is_in_the_way(self, job: SimRun, state: ScheduleState) -> bool:
        """Return whether an earlier firing of its schedule keeps it from being queued; expired ones are
        dropped.
        """
        plan = state.plan
        for earlier in tuple(state.jobs):
            if earlier.start is None and job.due > earlier.due + plan.patience_sec:
                self._drop(earlier, SimOutcome.EXPIRED)
        if plan.overlap == CANCEL_RUNNING:
            for earlier in tuple(state.jobs):
                self._replace(earlier, job.due)
        elif plan.overlap == QUEUE_ONE:
            return len(state.jobs) > state.running
        return bool(state.jobs)

    def _replace(self, earlier: SimRun, moment: float) -> None:
        if earlier.start is None:
            self._drop(earlier, SimOutcome.REPLACED)
        else:
            earlier.end, earlier.outcome = moment, SimOutcome.REPLACED
            self._release(earlier)

    def _enqueue(self, job: SimRun) -> None:
        plan = job.state.plan
        job.state.jobs.append(job)
        self._waiting += 1
        self._pushed += 1
        heapq.heappush(self._queues[plan.pool], (job.due - plan.head_start_sec, self._pushed, job))

    def _drop(self, job: SimRun, outcome: SimOutcome) -> None:
        """End a run that never started; its heap entry is removed when it reaches the front."""
        job.outcome = outcome
        self._waiting -= 1
        job.state.jobs.remove(job)

    def _end_until(self, moment: float) -> None:
        """End the runs that end by `moment`, and start the next ones in their slots."""
        ends = self._ends
        while ends and ends[0][0] <= moment:
            end, _, job = heapq.heappop(ends)
            if job.outcome == SimOutcome.RUNS:  # a replaced one has left already
                self._release(job)
                if self._waiting:
                    self._fill(end)

    def _release(self, job: SimRun) -> None:
        state = job.state
        self._running -= 1
        state.running -= 1
        state.jobs.remove(job)
        if state.plan.pool:
            self._in_pool[state.plan.pool] -= 1

    def _fill(self, moment: float) -> None:
        """Start the first runs of the queue until the cap is full."""
        while self._waiting and self._running < self.cap and (job := self._next(moment)):
            self._waiting -= 1
            job.state.jobs.remove(job)
            self._start(job, moment)

    def _next(self, moment: float) -> SimRun | None:
        """Take the first queued run whose pool has a free slot and whose schedule may run."""
        behind: list[tuple[str, tuple[float, int, SimRun]]] = []
        found = None
        while found is None and (pool := self._first_in_line(moment)) is not None:
            entry = heapq.heappop(self._queues[pool])
            state = entry[2].state
            if state.running and state.exclusive:
                behind.append((pool, entry))
            else:
                found = entry[2]
        for pool, entry in behind:
            heapq.heappush(self._queues[pool], entry)
        return found

    def _first_in_line(self, moment: float) -> str | None:
        """Return the pool with a free slot whose first run has waited longest."""
        first, found = None, None
        for pool, queue in self._queues.items():
            while queue and self._is_over(queue[0][2], moment):
                heapq.heappop(queue)
            if queue and (first is None or queue[0] < first) and (not pool or self._has_room(pool)):
                first, found = queue[0], pool
        return found

    def _is_over(self, job: SimRun, moment: float) -> bool:
        if job.outcome is not None:
            return True
        if moment <= job.due + job.state.plan.patience_sec:
            return False
        self._drop(job, SimOutcome.EXPIRED)
        return True

    def _has_room(self, pool: str) -> bool:
        return self._in_pool[pool] < self.pools.get(pool, 1)

    def _start(self, job: SimRun, start: float, end: float | None = None) -> None:
        """Let a run hold a slot for the duration of its plan."""
        state = job.state
        job.start, job.outcome = start, SimOutcome.RUNS
        job.end = start + state.plan.takes_sec if end is None else end
        self._running += 1
        if self._running > self.peak_running:
            self.peak_running, self.peak_at = self._running, start
        state.running += 1
        state.jobs.append(job)
        if state.plan.pool:
            self._in_pool[state.plan.pool] += 1
        self._pushed += 1
        heapq.heappush(self._ends, (job.end, self._pushed, job))
