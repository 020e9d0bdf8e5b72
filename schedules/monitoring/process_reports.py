"""Each process reports the state of its threads and tasks; scheduler, readyz, doctor and console read it."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import close_old_connections, connections

from schedules.models import ProcessHealth
from schedules.models.process_health import REPORT_EVERY_SEC
from stagent.lib import clock
from stagent.lib.processes.outage import DATABASE
from stagent.lib.processes.supervised_task import State, Watched
from stagent.lib.processes.supervisor import SUPERVISOR, Supervisor
from stagent.lib.text import clip

LOOK_EVERY_SEC = 2.0  # a change is reported as soon
LAST_WORDS_SEC = 3.0  # for the report of a process that exits
TOLD_FOR = timedelta(hours=1)
PROCESSES = {"replies": "the reply worker", "web": "the web process", "scheduler": "the scheduler"}
BROKEN = {State.ENDED, State.STUCK, State.FAILING}


class Reporter:
    """Writes the row of this process from its own thread."""

    def __init__(self, role: str, holder: str, supervisor: Supervisor = SUPERVISOR) -> None:
        self._holder = holder
        self._born = {"role": role, "host": clip(socket.gethostname(), 80), "pid": os.getpid()}
        self._supervisor = supervisor
        self._name = PROCESSES.get(role, f"the {role} process")
        self._thread = supervisor.thread(f"report of {self._name}", self._run, stuck_sec=90)
        self._written: list[dict[str, Any]] | None = None
        self._written_at = float("-inf")

    def start(self) -> None:
        DATABASE.process = self._name
        self._supervisor.before_exit.append(self._last_report)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and delete the row."""
        if self._last_report in self._supervisor.before_exit:
            self._supervisor.before_exit.remove(self._last_report)
        self._thread.stop()
        self._thread.join(5)
        ProcessHealth.objects.filter(holder=self._holder).delete()

    def _run(self, watched: Watched) -> None:
        try:
            while True:
                try:
                    self._report()
                except Exception as error:  # noqa: BLE001 - told by `failed`
                    self._written = None  # so that the next round has something to write
                    watched.failed(error)
                    connections.close_all()
                else:
                    watched.worked()
                if watched.stopping.wait(LOOK_EVERY_SEC):
                    return
        finally:
            connections.close_all()

    def _report(self) -> None:
        """Write the state if it changed, else at intervals; in an outage, to detect its end."""
        parts = [_facts(asdict(report)) for report in self._supervisor.report()]
        is_known = parts == self._written and time.monotonic() - self._written_at < REPORT_EVERY_SEC
        if is_known and not DATABASE.is_active:
            return
        close_old_connections()
        values = {"seen_at": clock.now(), "parts": parts, **self._born}
        ProcessHealth.objects.update_or_create(holder=self._holder, defaults=values)
        self._written, self._written_at = parts, time.monotonic()
        DATABASE.worked()

    def _last_report(self) -> None:
        """Report before the process exits, if the database answers at once."""
        thread = threading.Thread(target=self._report, name="last report", daemon=True)
        thread.start()
        thread.join(LAST_WORDS_SEC)


def _facts(report: dict[str, Any]) -> dict[str, Any]:
    return {name: report[name] for name in ("name", "state", "restarts", "error")}


@dataclass(frozen=True)
class ProcessTrouble:
    """A thread or task that is broken or was restarted lately."""

    process: ProcessHealth
    part: str
    state: State
    restarts: int
    error: str
    is_over: bool  # its process has ended

    @property
    def is_broken(self) -> bool:
        """Whether it is broken now, in a running process."""
        return self.state in BROKEN and not self.is_over

    def __str__(self) -> str:
        whose = f"The {self.part} of {self.process}"
        why = f" Last error: {self.error}." if self.error else ""
        match self.state:
            case _ if self.is_over:
                return f"{whose} failed, and its process ended.{why}"
            case State.STUCK:
                return f"{whose} is stuck: its current round does not end."
            case State.FAILING:
                return f"{whose} fails in every round.{why}"
            case State.RESTARTED:
                return f"{whose} ended unexpectedly and was restarted ({self.restarts} in all).{why}"
        return f"{whose} ended unexpectedly and restarts.{why}"


def troubles(now: datetime) -> Iterator[ProcessTrouble]:
    """Yield every thread or task that is broken, and those restarted or lost with their process lately."""
    for process in ProcessHealth.objects.filter(seen_at__gt=now - TOLD_FOR):
        over = process.is_over(now)
        for part in process.parts:
            state = State(part["state"])
            if state is State.RUNNING or (over and state is not State.ENDED and state is not State.STUCK):
                continue
            yield ProcessTrouble(process, part["name"], state, part["restarts"], part["error"], over)


def forget(now: datetime) -> None:
    """Delete the rows of processes that ended a while ago."""
    ProcessHealth.objects.filter(seen_at__lt=now - TOLD_FOR).delete()
