"""Machines of a cluster: processes with a data folder, a clock and a way to the database of their own."""

from collections.abc import Callable
from pathlib import Path

from agents.models import Event
from schedules.models import Run
from tests.support.processes import Process

LEASES = {"SCHEDULE_LEASE_TTL_SEC": "5", "LOG_LEVEL": "WARNING"}


class Host(Process):
    """A process on a machine of its own, whose clock is wrong by some seconds."""

    def __init__(self, folder: Path, *arguments: str, ahead_sec: float = 0, **variables: str) -> None:
        self.program = ("-m", "tests.support.skewed", str(ahead_sec))
        super().__init__(*arguments, **LEASES, STAGENT_DATA_DIR=str(folder), **variables)

    @property
    def holds(self) -> bool:
        return Run.objects.running().filter(holder__contains=f":{self.pid}:").exists()

    def talks(self, run: Run) -> Callable[[], bool]:
        """Return whether it holds the run and has begun to say something."""
        said = Event.objects.filter(transcript=run.transcript_id, kind="text_delta")
        return lambda: self.holds and said.exists()


class Machines:
    """Makes hosts, each with a folder that no other sees."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0

    def worker(self, *arguments: str, ahead_sec: float = 0, **variables: str) -> Host:
        return self._host("procrastinate", "worker", *arguments, ahead_sec=ahead_sec, **variables)

    def scheduler(self, *arguments: str, ahead_sec: float = 0, **variables: str) -> Host:
        return self._host("runscheduler", *arguments, ahead_sec=ahead_sec, **variables)

    def _host(self, *arguments: str, ahead_sec: float, **variables: str) -> Host:
        self._made += 1
        return Host(self._folder / f"host-{self._made}", *arguments, ahead_sec=ahead_sec, **variables)
