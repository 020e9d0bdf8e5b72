"""A cable between a process and its server, that can be cut and mended: while it is cut, nothing arrives and
nobody is told, as when a switch dies.
"""

import contextlib
import select
import socket
import threading
from types import TracebackType
from typing import Self

LOOK_SEC = 0.05


class Cable:
    """Listens on a port of its own and carries bytes to the server's."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self._whole = threading.Event()
        self._whole.set()
        self._over = threading.Event()
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def cut(self) -> None:
        self._whole.clear()

    def mend(self) -> None:
        self._whole.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._whole.set()
        self._thread.join(5)
        for end in [self._door, *self._pairs]:
            end.close()

    def _carry(self) -> None:
        while not self._over.is_set():
            self._whole.wait()
            ready, _, _ = select.select([self._door, *self._pairs], [], [], LOOK_SEC)
            self._whole.wait()  # what came meanwhile is held back
            for end in ready:
                if end is self._door:
                    self._connect()
                elif end in self._pairs:
                    self._pass_on(end)

    def _connect(self) -> None:
        near, _ = self._door.accept()
        far = socket.create_connection(self._server)
        self._pairs |= {near: far, far: near}

    def _pass_on(self, end: socket.socket) -> None:
        other = self._pairs[end]
        with contextlib.suppress(OSError):
            if words := end.recv(65_536):
                other.sendall(words)
                return
        for side in (end, other):
            self._pairs.pop(side, None)
            side.close()
