"""The state of one supervised thread or task: policy, heartbeat, failures."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from stagent.lib.processes.outage import Outage, describe

FIRST_WAIT_SEC, LONGEST_WAIT_SEC = 0.1, 30.0  # before a restart, doubled each time
WELL_SEC = 60.0  # a life longer than this begins the backoff anew
STUCK_SEC = 60.0
FAILING_SEC = 15.0  # shorter troubles are retried and forgotten
RECENT_SEC = 3600.0  # how long a restart is shown

log = logging.getLogger(__name__)


class Policy(StrEnum):
    """What follows an end that nobody asked for."""

    RESTART = "restart"
    FATAL = "fatal"  # the process exits, and is started again


class State(StrEnum):
    """How it stands with a watched part; the worst that applies."""

    ENDED = "ended"  # waits for its restart, or took its process along
    STUCK = "stuck"  # no round has ended for too long
    FAILING = "failing"  # its rounds end, in errors
    RESTARTED = "restarted"  # lately; it works now
    RUNNING = "running"


@dataclass(frozen=True)
class Report:
    """One part at one moment."""

    name: str
    state: State
    silent_sec: float  # since its last round
    restarts: int
    error: str  # the last one, in a line; empty where there was none lately

    @property
    def works(self) -> bool:
        return self.state in {State.RUNNING, State.RESTARTED}


class Watched:
    """A part of the process with a name. `beat`, `worked` and `failed` are called by its own work."""

    def __init__(
        self,
        name: str,
        *,
        policy: Policy = Policy.RESTART,
        stuck_sec: float = STUCK_SEC,
        exit_sec: float | None = None,
        logger: logging.Logger = log,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.policy = policy
        self.exit_sec = exit_sec  # stuck for so long beyond `stuck_sec`, it ends its process
        self.stopping = threading.Event()
        self.seen = State.RUNNING  # by the supervisor, last
        self.stuck_rounds = 0  # of the supervisor, in a row: a suspended process does not count as stuck
        self.error = ""
        self.restarts = 0
        self._stuck_sec = stuck_sec
        self._now = now
        self._lock = threading.Lock()
        self._probed: asyncio.AbstractEventLoop | None = None
        self._beat_at = self._started_at = now()
        self._ended_at: float | None = None  # the last end that nobody asked for
        self._is_down = False
        self._wait_sec = FIRST_WAIT_SEC
        self._outage = Outage(logger, f"The {name}", now)

    def beat(self) -> None:
        """Report that a round of the work has ended."""
        self._beat_at = self._now()

    def worked(self) -> None:
        """Report a round that did what it was for."""
        self.beat()
        self._outage.worked()

    def failed(self, error: BaseException) -> None:
        """Report a round that ended in an error; the next one tries again."""
        self.beat()
        self._outage.failed(error)

    def stop(self) -> None:
        """Ask it to end; an end from now on is an ordinary one."""
        self.stopping.set()

    def follow(self, loop: asyncio.AbstractEventLoop) -> None:
        """Beat whenever this loop runs the callback that `probe` leaves with it."""
        self._probed = loop

    def probe(self) -> None:
        """Ask the loop that it follows for a beat."""
        if self._probed:
            with suppress(RuntimeError):  # the loop is closed
                self._probed.call_soon_threadsafe(self.beat)

    def revive(self) -> None:
        """Start it again where only the supervisor can notice its end."""

    @property
    def silent_sec(self) -> float:
        return self._now() - self._beat_at

    def note_end(self, error: BaseException | None) -> float:
        """Write down an unexpected end; return after how many seconds to restart."""
        with self._lock:
            now = self._now()
            lived, self._ended_at, self._is_down = now - self._started_at, now, True
            self.error = describe(error) if error else "it returned"
            wait = FIRST_WAIT_SEC if lived > WELL_SEC else self._wait_sec
            self._wait_sec = min(2 * wait, LONGEST_WAIT_SEC)
            return wait

    def note_start(self) -> None:
        """Write down that it runs; a start after an end is a restart."""
        with self._lock:
            self._started_at = self._beat_at = self._now()
            self.restarts += self._is_down
            self._is_down = False

    def report(self) -> Report:
        with self._lock:
            state, error = self._state(), self._outage.error or self.error
            known = state is not State.RUNNING
            return Report(self.name, state, self.silent_sec, self.restarts, error if known else "")

    def _state(self) -> State:
        if self._is_down:
            return State.ENDED
        if self.silent_sec > self._stuck_sec:
            return State.STUCK
        if self._outage.lasts_sec > FAILING_SEC:
            return State.FAILING
        if self._ended_at is not None and self._now() - self._ended_at < RECENT_SEC:
            return State.RESTARTED
        return State.RUNNING
