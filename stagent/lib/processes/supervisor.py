"""Watches every thread and task that lives as long as its process; none of them ends silently.

Each is registered under a name with a policy: it is restarted with a backoff, or its end ends the process,
which `up` or systemd starts anew. It reports each round of its own work, so a thread that hangs is seen, too.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from stagent.lib.processes.supervised_task import Policy, Report, State, Watched

WATCH_SEC = 0.5
MONITOR = "supervisor"
MONITOR_STUCK_SEC = 30.0
MOST_STUCK_REPORTS = 5  # in a row, of the monitor itself; a process that was suspended reports one or two
REPORT_APART_SEC = 1.0
EXIT_CODE = 70  # EX_SOFTWARE: a part that the process cannot do without has ended

log = logging.getLogger(__name__)

type ThreadWork = Callable[[Watched], object]
type TaskWork = Callable[[Watched], Coroutine[Any, Any, object]]


class Supervisor:
    """One for each process."""

    def __init__(self, end_process: Callable[[int], object] = os._exit) -> None:
        self.end_process = end_process
        self.before_exit: list[Callable[[], object]] = []  # each has to return within a few seconds
        self._lock = threading.Lock()
        self._watched: list[Watched] = []
        self._monitor: threading.Thread | None = None
        self._own = Watched(MONITOR, policy=Policy.FATAL, stuck_sec=MONITOR_STUCK_SEC)
        self._stuck_reports, self._stuck_at = 0, 0.0

    def thread(self, name: str, work: ThreadWork, **options: Any) -> "SupervisedThread":
        """Return a thread that runs `work` until told to stop; it is watched from its start on."""
        return SupervisedThread(self, name, work, **options)

    def task(self, name: str, work: TaskWork, **options: Any) -> "SupervisedTask":
        """Return a task that runs `work` until told to stop; started on the loop that it belongs to."""
        return SupervisedTask(self, name, work, **options)

    def add(self, watched: Watched) -> None:
        """Watch what runs in a thread of the caller's own."""
        with self._lock:
            if watched not in self._watched:
                self._watched.append(watched)
        self._ensure_monitor()

    def discard(self, watched: Watched) -> None:
        with self._lock:
            if watched in self._watched:
                self._watched.remove(watched)

    def report(self) -> list[Report]:
        """Return how it stands with each, the monitor too; the registry is left alone.

        Whoever reports watches the monitor: dead, it is started anew; hanging, it ends the process.
        """
        self._ensure_monitor()
        own = self._own.report()
        self._judge(own)
        everybody = [watched.report() for watched in self._all()]
        return everybody if own.state is State.RUNNING else [own, *everybody]

    def _judge(self, own: Report) -> None:
        """End the process where the monitor is stuck in several reports in a row, a second or more apart."""
        if own.state is not State.STUCK:
            self._stuck_reports = 0
        elif time.monotonic() - self._stuck_at >= REPORT_APART_SEC:
            self._stuck_at, self._stuck_reports = time.monotonic(), self._stuck_reports + 1
            if self._stuck_reports >= MOST_STUCK_REPORTS:
                self.fatal(self._own, f"has been stuck for {own.silent_sec:.0f} s")

    def ended(self, watched: Watched, error: BaseException | None) -> float:
        """Note an end that nobody asked for, and return after how many seconds to restart it."""
        delay = watched.note_end(error)
        if watched.policy is Policy.FATAL:
            self.fatal(watched, f"ended: {watched.error}")
            return delay
        log.error(
            "The %s ended unexpectedly: %s. It restarts in %.1f s.",
            watched.name,
            watched.error,
            delay,
            exc_info=error,
        )
        return delay

    def fatal(self, watched: Watched, why: str) -> None:
        """End the process with a code, because it cannot do without this part."""
        log.critical("The %s %s. The process exits with code %d.", watched.name, why, EXIT_CODE)
        for step in self.before_exit:
            with suppress(Exception):
                step()
        for handler in logging.getLogger().handlers:
            with suppress(Exception):
                handler.flush()
        self.end_process(EXIT_CODE)

    def _all(self) -> list[Watched]:
        with self._lock:
            return list(self._watched)

    def _ensure_monitor(self) -> None:
        with self._lock:
            if self._monitor is None or not self._monitor.is_alive():
                if self._monitor is not None:
                    self._own.note_end(None)
                    log.error("The %s ended unexpectedly. It is started again.", MONITOR)
                self._own.note_start()
                self._monitor = threading.Thread(target=self._watch, name="supervisor", daemon=True)
                self._monitor.start()

    def _watch(self) -> None:
        while True:
            time.sleep(WATCH_SEC)
            self._own.beat()
            for watched in self._all():
                try:
                    self._look_at(watched)
                except Exception:
                    log.exception("The supervisor could not look at the %s.", watched.name)

    def _look_at(self, watched: Watched) -> None:
        watched.revive()
        watched.probe()
        state, before = watched.report().state, watched.seen
        watched.seen = state
        watched.stuck_rounds = watched.stuck_rounds + 1 if state is State.STUCK else 0
        if state is State.STUCK and before is not state:
            log.error("The %s is stuck: no round has ended for %.0f s.", watched.name, watched.silent_sec)
        elif before is State.STUCK and state is not before:
            log.info("The %s goes on.", watched.name)
        if watched.exit_sec is not None and watched.stuck_rounds * WATCH_SEC > watched.exit_sec:
            self.fatal(watched, f"has been stuck for {watched.silent_sec:.0f} s")


class SupervisedThread(Watched):
    """A daemon thread with a backoff between its lives."""

    def __init__(self, supervisor: Supervisor, name: str, work: ThreadWork, **options: Any) -> None:
        super().__init__(name, **options)
        self._supervisor = supervisor
        self._work = work
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self.beat()
        self._supervisor.add(self)
        self._spawn()

    def join(self, timeout: float | None = None) -> None:
        if self._thread:
            self._thread.join(timeout)

    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def revive(self) -> None:
        """Start it again where it died without a word: killed from outside between two lives."""
        if self._thread is None or self._thread.is_alive() or self.stopping.is_set():
            return
        self._supervisor.ended(self, None)
        self._spawn()

    def _spawn(self) -> None:
        thread = threading.Thread(target=self._live, name=self.name, daemon=True)
        thread.start()
        self._thread = thread

    def _live(self) -> None:
        while not self.stopping.is_set():
            error = self._run_once()
            if self.stopping.is_set():
                break
            if self.stopping.wait(self._supervisor.ended(self, error)):
                break
            self.note_start()
        self._supervisor.discard(self)

    def _run_once(self) -> BaseException | None:
        try:
            self._work(self)
        except BaseException as error:  # noqa: BLE001 - whatever ends a watched thread is told
            return error
        return None


class SupervisedTask(Watched):
    """A task of an event loop, started anew by its own done callback: cancelling it does not end it."""

    def __init__(self, supervisor: Supervisor, name: str, work: TaskWork, **options: Any) -> None:
        super().__init__(name, **options)
        self._supervisor = supervisor
        self._work = work
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Start it on a loop, the running one by default; from that loop's thread, or before it runs."""
        self._loop = loop or asyncio.get_running_loop()
        self.stopping.clear()
        self.beat()
        self._spawn()
        self._supervisor.add(self)

    def stop(self) -> None:
        """Cancel it for good; from its loop's thread."""
        super().stop()
        self._supervisor.discard(self)
        if self._timer:
            self._timer.cancel()
        if self._task:
            self._task.cancel()

    async def wait(self) -> None:
        """Wait until a stopped task has ended."""
        if self._task:
            await asyncio.wait([self._task])

    def is_alive(self) -> bool:
        return self._task is not None and not self._task.done()

    def revive(self) -> None:
        """Forget it where its loop was closed: nobody can run it any more."""
        if self._loop and self._loop.is_closed():
            self._supervisor.discard(self)

    def _spawn(self) -> None:
        assert self._loop
        self.note_start()
        self._task = self._loop.create_task(self._work(self), name=self.name)
        self._task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[object]") -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if self.stopping.is_set():
            self._supervisor.discard(self)
            return
        assert self._loop
        self._timer = self._loop.call_later(self._supervisor.ended(self, error), self._spawn)


SUPERVISOR = Supervisor()
