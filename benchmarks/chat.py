"""The chat under measurement: a model server, the web process, and users with sockets."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol

from benchmarks.fixtures import wait_for  # sets Django up

# isort: split
from django.contrib.auth.models import User

from stagent.lib import clock
from stagent.models import ApiToken


class Listener(WebSocketClientProtocol):
    """One user's connection."""

    factory: Any

    def onOpen(self) -> None:  # noqa: N802
        self.text = ""
        self.pieces: list[tuple[float, str]] = []  # when each came
        self.done = asyncio.get_running_loop().create_future()
        self.factory.opened.set_result(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803
        frame = json.loads(payload)
        if frame["type"] == "delta":
            self.text += frame["text"]
            self.pieces.append((time.time(), frame["text"]))
        elif frame["type"] == "final":
            self.done.set_result(frame)

    @property
    def delays(self) -> list[float]:
        """How late each word came, in ms; a word of `clock_server` is the moment at which it was sent."""
        return [1000 * (at - float(word)) for at, text in self.pieces for word in text.split()]

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:  # noqa: N802, N803
        if not self.done.done():
            self.done.set_exception(ConnectionError(f"{code} {reason}"))


@contextmanager
def clock_server(words: int, rate: float) -> Iterator[str]:
    """Run `benchmarks.clock_server`; yield its URL."""
    with _process("-m", "benchmarks.clock_server", str(words), str(rate)) as server:
        assert server.stdout
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"


@contextmanager
def web_process(model_server: str) -> Iterator[tuple[int, psutil.Process]]:
    """Run the web process with a model server; yield its port and process, once its imports are done."""
    port = free_port()
    web = ["-m", "daphne", "-v", "0", "-p", str(port), "stagent.asgi:application"]
    with _process(*web, ANTHROPIC_BASE_URL=model_server, ALLOWED_HOSTS="127.0.0.1") as process:
        wait_for(lambda: _answers(port))
        time.sleep(5)  # the SDK is imported in the background
        yield port, psutil.Process(process.pid)


async def connect(port: int, token: str) -> Listener:
    """Open a user's socket."""
    loop = asyncio.get_running_loop()
    headers = {"Authorization": f"Bearer {token}"}
    factory: Any = WebSocketClientFactory(  # type: ignore[no-untyped-call]
        f"ws://127.0.0.1:{port}/ws/chat/", headers=headers
    )
    factory.protocol, factory.opened = Listener, loop.create_future()
    await loop.create_connection(factory, "127.0.0.1", port)
    listener: Listener = await asyncio.wait_for(factory.opened, 20)
    return listener


def create_token(number: int) -> str:
    """Create a user and return their token."""
    person = User.objects.create_user(f"person{number}")
    return ApiToken.objects.issue(person, "bench", now=clock.now())[1]


@contextmanager
def _process(*arguments: str, **variables: str) -> "Iterator[subprocess.Popen[str]]":
    """Run a Python process inside the block."""
    env = os.environ | variables
    with subprocess.Popen(
        [sys.executable, *arguments], env=env, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as door:
        return door.connect_ex(("127.0.0.1", port)) == 0
