"""Supervises child processes: one log, restarts that are logged, none left behind."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

TETHER = Path(__file__).with_name("child.py")
QUICK_SEC = 10.0  # who dies younger than this died quickly
MOST_QUICK = 5  # quick deaths in a row, then something is wrong for good
FIRST_WAIT_SEC = 1.0
LONGEST_WAIT_SEC = 30.0
LAST_WORDS_SEC = 1.0
SAME_SEC = 0.5  # `timeout` and process managers signal the process and then its group: that is once
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

type Say = Callable[[str, str], None]  # who says what


@dataclass(frozen=True)
class Child:
    """What to run: a Python module with its arguments and inherited files."""

    name: str
    module: str
    arguments: Sequence[str] = ()
    inherits: Sequence[int] = ()


class ProcessSupervisor:
    """Keeps its children running until it is stopped, or until one fails too often."""

    def __init__(self, children: Sequence[Child], write: Say) -> None:
        self._children = children
        self._write = write
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._stop_requests = 0
        self._stop_requested_at = float("-inf")
        self._stopped = asyncio.Event()
        self._gave_up = False

    async def run(self) -> int:
        """Start the children and wait for all to exit; return the exit code."""
        self._tether, held = os.pipe()
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.stop)
        try:
            async with asyncio.TaskGroup() as group:
                for child in self._children:
                    group.create_task(self._supervise(child))
        finally:
            os.close(held)  # whoever is still there leaves by itself
            os.close(self._tether)
        return 1 if self._gave_up else 0

    def stop(self) -> None:
        """Request shutdown; a second call at once; a third one kills."""
        now = time.monotonic()
        if now - self._stop_requested_at < SAME_SEC:
            return
        self._stop_requests, self._stop_requested_at = self._stop_requests + 1, now
        self._stopped.set()
        if self._stop_requests <= 2:
            again = (
                "Ctrl-C again does not wait for runs" if self._stop_requests == 1 else "Ctrl-C again kills"
            )
            self._write("up", f"stopping; {again}.")
        for process in self._running.values():
            self._ask_to_leave(process)

    async def _supervise(self, child: Child) -> None:
        quick = 0
        while not self._stopped.is_set():
            since = time.monotonic()
            end = await self._live(child)
            lived = time.monotonic() - since
            if self._stopped.is_set():
                break
            quick = quick + 1 if lived < QUICK_SEC else 0
            if quick >= MOST_QUICK:
                self._write(
                    "up", f"{child.name} {end} after {lived:.0f} s, {quick} times in a row. Giving up."
                )
                self._gave_up = True
                self.stop()
                break
            wait = min(FIRST_WAIT_SEC * 2**quick, LONGEST_WAIT_SEC)
            self._write("up", f"{child.name} {end} after {lived:.0f} s! It is started again in {wait:.0f} s.")
            await self._sleep(wait)

    async def _live(self, child: Child) -> str:
        """Run a child from start to end; return its result."""
        # A pipe of our own: with asyncio's, a process that the child left behind would delay its end.
        ours, theirs = os.pipe()
        words = asyncio.create_task(self._relay(child.name, ours))
        try:
            process = await self._start(child, theirs)
        finally:
            os.close(theirs)
        code = await process.wait()
        del self._running[child.name]
        await asyncio.wait([words], timeout=LAST_WORDS_SEC)
        words.cancel()
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"

    async def _start(self, child: Child, output: int) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(TETHER), str(self._tether), child.module, *child.arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(self._tether, *child.inherits),
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            process_group=0,  # Ctrl-C reaches us alone; otherwise ours would be the child's second signal
        )
        self._running[child.name] = process
        if self._stopped.is_set():  # meanwhile
            self._ask_to_leave(process)
        return process

    async def _relay(self, name: str, pipe: int) -> None:
        stream = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(pipe, "rb")
        )
        try:
            rest = b""
            while chunk := await stream.read(65_536):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._write(name, line.decode(errors="replace"))
            if rest:
                self._write(name, rest.decode(errors="replace"))
        finally:
            transport.close()

    def _ask_to_leave(self, process: asyncio.subprocess.Process) -> None:
        try:
            process.send_signal(signal.SIGTERM if self._stop_requests <= 2 else signal.SIGKILL)
        except ProcessLookupError:
            return  # it had left

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopped.wait(), seconds)
        except TimeoutError:
            return
