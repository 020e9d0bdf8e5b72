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

FIRST_DELAY_SEC, MAX_DELAY_SEC = 0.1, 30.0  # before a restart, doubled each time
STABLE_SEC = 60.0  # running longer than this resets the delay
STUCK_SEC = 60.0
FAILING_SEC = 15.0  # shorter failures are not reported
RECENT_SEC = 3600.0  # how long a restart is reported

log = logging.getLogger(__name__)


class Policy(StrEnum):
    """What follows an unexpected end."""

    RESTART = "restart"
    FATAL = "fatal"  # the process exits and is started again


class State(StrEnum):
    """The state of a supervised thread or task; the worst that applies."""

    ENDED = "ended"  # waits for its restart, or ends the process
    STUCK = "stuck"  # no round has ended within `stuck_sec`
    FAILING = "failing"  # its rounds end in errors
    RESTARTED = "restarted"  # recently; it works now
    RUNNING = "running"


@dataclass(frozen=True)
class Report:
    """The state of one thread or task at one moment."""

    name: str
    state: State
    silent_sec: float  # since its last round
    restarts: int
    error: str  # the last one, as one line; empty without a recent one

    @property
    def works(self) -> bool:
        return self.state in {State.RUNNING, State.RESTARTED}


class Watched:
    """A named thread or task of the process. Its own work calls `beat`, `worked` and `failed`."""

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
        self.exit_sec = exit_sec  # stuck this long beyond `stuck_sec`, it ends the process
        self.stopping = threading.Event()
        self.last_state = State.RUNNING  # at the supervisor's last check
        self.stuck_rounds = 0  # consecutive checks: a suspended process does not count as stuck
        self.error = ""
        self.restarts = 0
        self._stuck_sec = stuck_sec
        self._now = now
        self._lock = threading.Lock()
        self._followed_loop: asyncio.AbstractEventLoop | None = None
        self._beat_at = self._started_at = now()
        self._ended_at: float | None = None  # the last unexpected end
        self._has_ended = False
        self._delay_sec = FIRST_DELAY_SEC
        self._outage = Outage(logger, f"The {name}", now)

    def beat(self) -> None:
        """Report the end of a round."""
        self._beat_at = self._now()

    def worked(self) -> None:
        """Report a successful round."""
        self.beat()
        self._outage.worked()

    def failed(self, error: BaseException) -> None:
        """Report a round that ended in an error; the next round retries."""
        self.beat()
        self._outage.failed(error)

    def stop(self) -> None:
        """Ask it to end; ending is expected from now on."""
        self.stopping.set()

    def follow_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Beat whenever this loop runs the callback of `probe`."""
        self._followed_loop = loop

    def probe(self) -> None:
        """Ask the followed loop for a heartbeat."""
        if self._followed_loop:
            with suppress(RuntimeError):  # the loop is closed
                self._followed_loop.call_soon_threadsafe(self.beat)

    def restart_if_dead(self) -> None:
        """Restart it, for work whose end only the supervisor can notice."""

    @property
    def silent_sec(self) -> float:
        return self._now() - self._beat_at

    def record_end(self, error: BaseException | None) -> float:
        """Record an unexpected end; return the delay before the restart, in seconds."""
        with self._lock:
            now = self._now()
            uptime, self._ended_at, self._has_ended = now - self._started_at, now, True
            self.error = describe(error) if error else "it returned"
            delay = FIRST_DELAY_SEC if uptime > STABLE_SEC else self._delay_sec
            self._delay_sec = min(2 * delay, MAX_DELAY_SEC)
            return delay

    def record_start(self) -> None:
        """Record a start; after an end it counts as a restart."""
        with self._lock:
            self._started_at = self._beat_at = self._now()
            self.restarts += self._has_ended
            self._has_ended = False

    def report(self) -> Report:
        with self._lock:
            state, error = self._state(), self._outage.error or self.error
            is_shown = state is not State.RUNNING
            return Report(self.name, state, self.silent_sec, self.restarts, error if is_shown else "")

    def _state(self) -> State:
        if self._has_ended:
            return State.ENDED
        if self.silent_sec > self._stuck_sec:
            return State.STUCK
        if self._outage.duration_sec > FAILING_SEC:
            return State.FAILING
        if self._ended_at is not None and self._now() - self._ended_at < RECENT_SEC:
            return State.RESTARTED
        return State.RUNNING
