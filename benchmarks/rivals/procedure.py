"""The benchmark that every system runs in its own environment, without Django or our code.

1. Send a job and wait, as a warm-up.
2. Send no-ops one at a time; each records when its code started in another process.
3. Send many at once: how many start per second?
4. Jobs due every minute record when they started after the full minute.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

CRON_JOBS = 5
AT_ONCE = 4  # how many jobs a contestant may work on together
PATIENCE_SEC = 90
SETTLING_SEC = 15  # Stagent imports a provider's SDK in the background, and that takes its time
PAUSE_SEC = 0.01

FOLDER = Path(os.environ.get("RIVALS_FOLDER", "."))
NOTES = FOLDER / "notes"
MANY = int(os.environ.get("RIVALS_MANY", "200"))
BY_THE_MINUTE = os.environ.get("RIVALS_CRON", "1") == "1"


def record_start(key: object) -> None:
    """Record that a job started now: all that a no-op does."""
    line = f"{time.time()} {key}\n"
    with NOTES.open("a") as notes:
        notes.write(line)


def first_starts(since: float = 0) -> dict[str, float]:
    """Return when each job started first, since then."""
    if not NOTES.exists():
        return {}
    lines = [line.split(" ", 1) for line in NOTES.read_text().splitlines()]
    return {key: float(at) for at, key in reversed(lines) if float(at) >= since}


def cron_jobs(_: float) -> list[str]:
    """Return the names of the jobs of this minute."""
    return [f"cron {number}" for number in range(CRON_JOBS)]


def run(send: Callable[[str], object] | None, due: Callable[[float], list[str]] = cron_jobs) -> None:
    """Run the benchmark and print the milliseconds; without `send`, only by the minute."""
    result: dict[str, list[float]] = {}
    if send:
        _wait_for(str(send("warm") or "warm"))
        time.sleep(SETTLING_SEC)
        result["picked_up"] = [_one(send, f"one {number}") for number in range(MANY)]
        result["rate"] = [_rate(send)]
    if BY_THE_MINUTE:
        result["late"] = _by_the_minute(due)
    print(json.dumps(result))


def _one(send: Callable[[str], object], name: str) -> float:
    """Send a job and return its delay."""
    sent = time.time()
    key = str(send(name) or name)
    took = _wait_for(key) - sent
    time.sleep(PAUSE_SEC)
    return took * 1000


def _rate(send: Callable[[str], object]) -> float:
    first = time.time()
    keys = [str(send(f"many {number}") or f"many {number}") for number in range(MANY)]
    return MANY / (max(_wait_for(key) for key in keys) - first)


def _by_the_minute(due: Callable[[float], list[str]]) -> list[float]:
    minute = (time.time() // 60 + 1) * 60
    time.sleep(max(0, minute - time.time() + 3))  # nobody looks on while they begin
    began = [_wait_for(key, since=minute) for key in due(minute)]
    return [(at - minute) * 1000 for at in began]


def _wait_for(key: str, since: float = 0) -> float:
    until = time.monotonic() + PATIENCE_SEC
    while key not in (known := first_starts(since)):
        if time.monotonic() > until:
            raise TimeoutError(f"{key} did not begin")
        time.sleep(0.002)
    return known[key]


@contextmanager
def running(*commands: list[str]) -> Iterator[None]:
    """Run processes of the system inside the block."""
    quiet = subprocess.DEVNULL
    running = [subprocess.Popen(command, stdout=quiet, stderr=quiet) for command in commands]
    try:
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def command_of(module: str, function: str) -> list[str]:
    """Return the command that calls a function in this environment."""
    return [sys.executable, "-c", f"from benchmarks.rivals import {module}; {module}.{function}()"]
