"""The processes of a drill: started, killed, restarted."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

import psutil

PATIENCE_SEC = 120.0


class Processes:
    """A web process and a scheduler in this environment."""

    def __init__(self) -> None:
        with socket.socket() as door:
            door.bind(("127.0.0.1", 0))
            self.port = int(door.getsockname()[1])
        web = ("-m", "daphne", "-v", "0", "-p", str(self.port), "stagent.asgi:application")
        scheduler = ("manage.py", "runscheduler", "--skip-checks")
        self._commands = {"web": web, "scheduler": scheduler}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        for name in self._commands:
            self.start(name)
        wait_for(self.answers, "the web process answers")
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        for process in self._running.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()

    def start(self, name: str) -> None:
        command = [sys.executable, *self._commands[name]]
        self._running[name] = subprocess.Popen(command, env=os.environ, stdin=subprocess.DEVNULL)  # noqa: S603 - ours

    def kill(self, name: str) -> None:
        """Kill a process and its children, and restart it."""
        family = _family(self._running[name].pid)
        for process in family:  # so that none hears of another's end
            process.suspend()
        for process in family:
            process.kill()
        self._running[name].wait()
        self.start(name)

    def kill_children(self, name: str) -> int:
        """Kill a process's children once there are some; return how many."""
        wait_for(lambda: self.children(name), f"{name} has started a process")
        children = self.children(name)
        for process in children:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        return len(children)

    def freeze(self, name: str, seconds: float) -> None:
        """Stop a process and its children for some seconds."""
        family = _family(self._running[name].pid)
        for process in family:
            process.suspend()
        time.sleep(seconds)
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def children(self, name: str) -> list[psutil.Process]:
        """Return a process's children."""
        return _family(self.pid(name))[1:]

    def answers(self) -> bool:
        with socket.socket() as door:
            return door.connect_ex(("127.0.0.1", self.port)) == 0


def _family(pid: int) -> list[psutil.Process]:
    first = psutil.Process(pid)
    return [first, *first.children(recursive=True)]


def wait_for(condition: Callable[[], object], what: str, seconds: float = PATIENCE_SEC) -> None:
    """Wait until a condition is true. Raises TimeoutError that names it."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"Waited {seconds:.0f} s in vain until {what}.")
        time.sleep(0.05)
