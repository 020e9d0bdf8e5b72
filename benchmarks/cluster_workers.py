"""Runs on cluster workers: time to start, and runs per second.

1. With a scheduler and a worker, queue a run, wait for its end, queue the next.
2. With 1, 2 and 4 workers, queue many runs whose model sends one word; count how many end per second.
"""

import subprocess
import sys
import time
from contextlib import ExitStack

from django.db import transaction

from benchmarks.fixtures import a_schedule, a_scheduler_process, some, wait_for
from benchmarks.pickup import pick_up
from benchmarks.rows import report, spread
from schedules.models import Run, Schedule, Scheduler
from schedules.models.scheduler import A_WORKER
from schedules.states import Source
from schedules.transitions import enqueue
from stagent.lib import clock, wakeup

CAP, EACH = 16, 8  # runs at once in all, and on each host
ON = "PostgreSQL"


class Worker(subprocess.Popen[bytes]):
    """A worker on this machine."""

    def __init__(self) -> None:
        command = [sys.executable, "manage.py", "procrastinate", "worker", "--concurrency", str(EACH)]
        super().__init__(command, stderr=subprocess.DEVNULL)

    def __exit__(self, *error: object) -> None:
        self.terminate()
        self.wait()


def main() -> None:
    schedule = a_schedule(clock.now(), overlap_policy="allow")
    with a_scheduler_process(cap=CAP), ExitStack() as hosts:
        for number in (1, 2, 4):
            while ready() < number:
                before = ready()
                hosts.enter_context(Worker())
                wait_for(lambda before=before: ready() > before)  # type: ignore[misc]
            if number == 1:
                claimed, first_events = pick_up(schedule, some(200))
                report("queued → handed over to the workers", spread(claimed), on=ON)
                report("queued → its engine's first event, on a worker", spread(first_events), on=ON)
            report(f"runs handed over, workers: {number}", f"{rate(schedule, some(400)):.0f}/s", on=ON)


def ready() -> int:
    return Scheduler.objects.filter(A_WORKER).count()


def rate(schedule: Schedule, count: int) -> float:
    """Return how many runs end per second with that many queued."""
    with transaction.atomic():
        for _ in range(count):
            enqueue(schedule, source=Source.MANUAL, now=clock.now())
        wakeup.notify()
    began = time.monotonic()
    wait_for(lambda: not Run.objects.unfinished().exists(), seconds=600)
    return count / (time.monotonic() - began)


if __name__ == "__main__":
    main()
