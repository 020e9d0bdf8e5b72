"""Shared by the benchmarks: Django setup, a profile, schedules, a scheduler process, the time."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import django

django.setup()

from agents.models import Profile  # noqa: E402
from schedules.models import Schedule, Scheduler  # noqa: E402
from schedules.services import schedule_writer  # noqa: E402

QUICK = "--quick" in sys.argv
SETTLING_SEC = 4 if QUICK else 15  # the SDK is imported in the background, and takes its time


def some(many: int) -> int:
    """Return the number, or a tenth with --quick."""
    return max(10, many // 10) if QUICK else many


def a_schedule(now: datetime, **changes: Any) -> Schedule:
    """Create a schedule through the services; by default yearly."""
    profile, _ = Profile.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
    if "at" not in changes:
        changes.setdefault("cron", "0 0 1 1 *")
    return schedule_writer.save(
        Schedule(), {"name": "Bench", "prompt": "Say hello.", "profile": profile} | changes, now=now
    )


@contextmanager
def a_scheduler_process(cap: int) -> Iterator[int]:
    """Run `manage.py runscheduler`; yield its pid once its imports are done."""
    command = [sys.executable, "manage.py", "runscheduler", "--max-concurrent", str(cap), "--grace", "0"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=os.environ) as process:
        try:
            wait_for(Scheduler.objects.exists)
            time.sleep(SETTLING_SEC)
            yield process.pid
        finally:
            process.terminate()


def wait_for(condition: Callable[[], object], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError("what was waited for did not happen")
        time.sleep(0.02)
