"""A Redis of a test's own, which may be restarted."""

import subprocess
from types import TracebackType
from typing import Self

from tests.support.ports import find_unused_port
from tests.support.waiting import wait_until


class Redis:
    """A `redis-server` that keeps nothing on disk."""

    def __init__(self) -> None:
        self._port = find_unused_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def restart(self) -> None:
        """End it as a power cut would, and start it anew."""
        self._stop()
        self._start()

    def _start(self) -> None:
        options = ("--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        self._process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        wait_until(self._answers)

    def _answers(self) -> bool:
        ping = ("redis-cli", "-p", str(self._port), "ping")
        return subprocess.run(ping, capture_output=True, check=False).stdout.strip() == b"PONG"

    def _stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()
