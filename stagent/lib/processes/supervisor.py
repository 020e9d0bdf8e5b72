"""Supervises every long-lived thread and task of a process, so that none ends silently.

Each has a name and a policy: it is restarted with a backoff, or its end ends the process, which `up` or
systemd restarts. It reports every round of its work, so that a hanging one is detected, too.
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
MAX_STUCK_REPORTS = 5  # consecutive ones of the monitor itself; a suspended process reports one or two
REPORT_INTERVAL_SEC = 1.0
EXIT_CODE = 70  # EX_SOFTWARE: an essential thread or task has ended

log = logging.getLogger(__name__)

type ThreadWork = Callable[[Watched], object]
type TaskWork = Callable[[Watched], Coroutine[Any, Any, object]]


class Supervisor:
    """Supervises the threads and tasks of one process."""

    def __init__(self, end_process: Callable[[int], object] = os._exit) -> None:
        self.end_process = end_process
        self.before_exit: list[Callable[[], object]] = []  # each must return within a few seconds
        self._lock = threading.Lock()
        self._watched: list[Watched] = []
        self._monitor: threading.Thread | None = None
        self._own = Watched(MONITOR, policy=Policy.FATAL, stuck_sec=MONITOR_STUCK_SEC)
        self._stuck_reports, self._stuck_at = 0, 0.0

    def thread(self, name: str, work: ThreadWork, **options: Any) -> "SupervisedThread":
        """Return a thread that runs `work` until it is stopped; supervised from its start."""
        return SupervisedThread(self, name, work, **options)

    def task(self, name: str, work: TaskWork, **options: Any) -> "SupervisedTask":
        """Return a task that runs `work` until it is stopped; start it on its loop."""
        return SupervisedTask(self, name, work, **options)

    def add(self, watched: Watched) -> None:
        """Supervise work that runs in a thread of the caller."""
        with self._lock:
            if watched not in self._watched:
                self._watched.append(watched)
        self._ensure_monitor()

    def discard(self, watched: Watched) -> None:
        with self._lock:
            if watched in self._watched:
                self._watched.remove(watched)

    def report(self) -> list[Report]:
        """Return the state of each thread and task, and of the monitor if it does not work.

        The caller checks the monitor: a dead one is restarted, a hanging one ends the process.
        """
        self._ensure_monitor()
        own = self._own.report()
        self._check_monitor(own)
        reports = [watched.report() for watched in self._all()]
        return reports if own.state is State.RUNNING else [own, *reports]

    def _check_monitor(self, own: Report) -> None:
        """End the process if the monitor is stuck in several reports in a row, a second or more apart."""
        if own.state is not State.STUCK:
            self._stuck_reports = 0
        elif time.monotonic() - self._stuck_at >= REPORT_INTERVAL_SEC:
            self._stuck_at, self._stuck_reports = time.monotonic(), self._stuck_reports + 1
            if self._stuck_reports >= MAX_STUCK_REPORTS:
                self.fatal(self._own, f"has been stuck for {own.silent_sec:.0f} s")

    def ended(self, watched: Watched, error: BaseException | None) -> float:
        """Record an unexpected end; return the delay before the restart, in seconds."""
        delay = watched.record_end(error)
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

    def fatal(self, watched: Watched, reason: str) -> None:
        """End the process with a code, because this thread or task is essential."""
        log.critical("The %s %s. The process exits with code %d.", watched.name, reason, EXIT_CODE)
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
                    self._own.record_end(None)
                    log.error("The %s ended unexpectedly. It is started again.", MONITOR)
                self._own.record_start()
                self._monitor = threading.Thread(target=self._watch, name="supervisor", daemon=True)
                self._monitor.start()

    def _watch(self) -> None:
        while True:
            time.sleep(WATCH_SEC)
            self._own.beat()
            for watched in self._all():
                try:
                    self._check(watched)
                except Exception:
                    log.exception("The supervisor could not check the %s.", watched.name)

    def _check(self, watched: Watched) -> None:
        watched.restart_if_dead()
        watched.probe()
        state, before = watched.report().state, watched.last_state
        watched.last_state = state
        watched.stuck_rounds = watched.stuck_rounds + 1 if state is State.STUCK else 0
        if state is State.STUCK and before is not state:
            log.error("The %s is stuck: no round has ended for %.0f s.", watched.name, watched.silent_sec)
        elif before is State.STUCK and state is not before:
            log.info("The %s runs again.", watched.name)
        if watched.exit_sec is not None and watched.stuck_rounds * WATCH_SEC > watched.exit_sec:
            self.fatal(watched, f"has been stuck for {watched.silent_sec:.0f} s")


class SupervisedThread(Watched):
    """A daemon thread that is restarted with a backoff."""

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

    def restart_if_dead(self) -> None:
        """Restart the thread if it died without returning, for example if it was killed from outside."""
        if self._thread is None or self._thread.is_alive() or self.stopping.is_set():
            return
        self._supervisor.ended(self, None)
        self._spawn()

    def _spawn(self) -> None:
        thread = threading.Thread(target=self._run_until_stopped, name=self.name, daemon=True)
        thread.start()
        self._thread = thread

    def _run_until_stopped(self) -> None:
        while not self.stopping.is_set():
            error = self._run_once()
            if self.stopping.is_set():
                break
            if self.stopping.wait(self._supervisor.ended(self, error)):
                break
            self.record_start()
        self._supervisor.discard(self)

    def _run_once(self) -> BaseException | None:
        try:
            self._work(self)
        except BaseException as error:  # noqa: BLE001 - every end is reported
            return error
        return None


class SupervisedTask(Watched):
    """A task of an event loop that its done callback restarts: cancelling it does not end it."""

    def __init__(self, supervisor: Supervisor, name: str, work: TaskWork, **options: Any) -> None:
        super().__init__(name, **options)
        self._supervisor = supervisor
        self._work = work
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Start it on a loop, by default the running one; call it in that loop's thread, or before it
        runs.
        """
        self._loop = loop or asyncio.get_running_loop()
        self.stopping.clear()
        self.beat()
        self._spawn()
        self._supervisor.add(self)

    def stop(self) -> None:
        """Cancel it for good; call it in its loop's thread."""
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

    def restart_if_dead(self) -> None:
        """Remove it if its loop was closed, because it cannot run any more."""
        if self._loop and self._loop.is_closed():
            self._supervisor.discard(self)

    def _spawn(self) -> None:
        assert self._loop
        self.record_start()
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
