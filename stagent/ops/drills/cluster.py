"""`manage.py drill cluster`: kills hosts at random moments while workers execute runs, on PostgreSQL.

Hosts are processes with their own data folders: two schedulers and three workers. At the end the cap was
kept, every run completed once, on more than one host, and no slot or job is left.
"""

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import transaction  # noqa: E402

from agents.models import Profile  # noqa: E402
from schedules import cluster_handoff, conf  # noqa: E402
from schedules.models import Run, Schedule, Scheduler, Slot  # noqa: E402
from schedules.models.scheduler import A_WORKER  # noqa: E402
from schedules.services import schedule_writer  # noqa: E402
from schedules.states import RunStatus, Source  # noqa: E402
from schedules.transitions import enqueue  # noqa: E402
from stagent.lib import clock, wakeup  # noqa: E402
from stagent.ops.drills.observer import Observer  # noqa: E402
from stagent.ops.drills.processes import wait_for  # noqa: E402
from stagent.ops.drills.report import DrillReport  # noqa: E402
from stagent.ops.drills.seed import options  # noqa: E402

OPTIONS = options()
ROUNDS = OPTIONS.rounds
CHANCE = random.Random(OPTIONS.seed)
SCHEDULERS, WORKERS, EACH = 2, 3, 2  # and as many runs at once on each worker
RUNS_A_ROUND = 6
WORK = "Work. [[offline: turns=6 delay=50ms]]"
CALM_SEC = (0.5, 3.0)  # between two kills
STARTING_SEC = 300  # five processes at once, on a busy machine

COMMANDS = {
    "scheduler": ("runscheduler", "--skip-checks"),
    "worker": ("procrastinate", "worker", "--concurrency", str(EACH)),
}


class WorkerHosts:
    """The hosts, each a process with its own data folder."""

    def __init__(self) -> None:
        self._hosts: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        for role, number in (("scheduler", SCHEDULERS), ("worker", WORKERS)):
            for host in range(number):
                self._start(f"{role} {host + 1}")
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for process in self._hosts.values():
            process.terminate()
        for process in self._hosts.values():
            process.wait()

    def kill_one(self) -> str:
        """Kill a host and restart it; workers more often."""
        name = CHANCE.choice([*self._hosts, *(name for name in self._hosts if name.startswith("worker"))])
        self._hosts[name].kill()
        self._hosts[name].wait()
        self._start(name)
        return name

    def _start(self, name: str) -> None:
        command = [sys.executable, "manage.py", *COMMANDS[name.partition(" ")[0]]]
        env = os.environ | {"STAGENT_DATA_DIR": str(Path(settings.DATA_DIR, name.replace(" ", "-")))}
        self._hosts[name] = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL)  # noqa: S603 - ours


def main() -> int:
    report = DrillReport()
    with WorkerHosts() as rack:
        wait_for(
            lambda: Scheduler.objects.filter(A_WORKER).count() == WORKERS,
            "all workers are there",
            STARTING_SEC,
        )
        report.note(f"{ROUNDS} hosts are killed while {ROUNDS * RUNS_A_ROUND} runs are handed over.")
        report.note(f"Seed {OPTIONS.seed}")
        with Observer() as watch:
            for number in range(ROUNDS):
                _queue(number)
                time.sleep(CHANCE.uniform(*CALM_SEC))
                report.note(f"       {rack.kill_one()} killed and started anew")
            wait_for(lambda: not Run.objects.unfinished().exists(), "every run has ended", 300)
        _report(report, watch)
    return 0 if report.kept else 1


def _queue(number: int) -> None:
    now = clock.now()
    with transaction.atomic():
        for run in range(RUNS_A_ROUND):
            given = {
                "name": f"Round {number + 1}, {run + 1}",
                "prompt": WORK,
                "profile": Profile.objects.get(slug="operator"),
                "cron": "0 0 1 1 *",
            }
            enqueue(schedule_writer.save(Schedule(), given, now=now), source=Source.MANUAL, now=now)
        wakeup.notify()


def _report(report: DrillReport, watch: Observer) -> None:
    report.note("")
    cap, wanted = conf.load().max_concurrent, ROUNDS * RUNS_A_ROUND
    report.promise(
        f"cap of {cap}: most inside of it", f"{watch.inside} ({watch.looks} looks)", watch.inside <= cap
    )
    done = Run.objects.filter(status=RunStatus.COMPLETED)
    report.promise("runs completed", f"{done.count()} of {wanted}", done.count() == wanted)
    told = sum(run.attempt == run.lost_count + 1 for run in done)
    report.promise("attempts, one for each worker that was lost", f"{told} of {wanted}", told == wanted)
    held = Slot.objects.held().count()
    report.promise("slots still held", held, held == 0)
    cluster_handoff.sweep()
    waiting = cluster_handoff.waiting()
    report.promise("wake-ups that nobody needs", waiting, waiting == 0)
    report.fact("workers lost and replaced", sum(Run.objects.values_list("lost_count", flat=True)))
    report.fact("workers that completed runs", done.values("holder").distinct().count())


if __name__ == "__main__":
    sys.exit(main())
