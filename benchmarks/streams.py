"""200 people are answered at once, 20 words a second each: is every word there, and how late?

1. Start a server that speaks the Messages API (`benchmarks.talker`): each word is the moment it was said.
2. Start the web process on it, and connect a socket for each person.
3. Everybody sends, five people a second; compare each word with when it came, and all with what is stored.
"""

import asyncio
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psutil
from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol

from benchmarks.ground import QUICK, wait_for  # sets Django up
from benchmarks.rows import percentile, spread, tell

# isort: split
from django.contrib.auth.models import User

from agents.models import StreamRecord
from chat.models import Message
from stagent.lib import clock
from stagent.models import ApiToken

PEOPLE = 20 if QUICK else 200
WORDS_PER_SEC = 20
SECONDS = 8 if QUICK else 60
COMING_SEC = PEOPLE / 5  # in which all of them come


class Listener(WebSocketClientProtocol):
    """One person's page."""

    def onOpen(self) -> None:  # noqa: N802
        self.text = ""
        self.delays: list[float] = []
        self.done = asyncio.get_running_loop().create_future()
        self.factory.opened.set_result(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803
        frame = json.loads(payload)
        if frame["type"] == "delta":
            now = time.time()
            self.text += frame["text"]
            self.delays += [1000 * (now - float(word)) for word in frame["text"].split()]
        elif frame["type"] == "final":
            self.done.set_result(frame)

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:  # noqa: N802, N803
        if not self.done.done():
            self.done.set_exception(ConnectionError(f"{code} {reason}"))


def main() -> None:
    with ExitStack() as stack:
        provider = stack.enter_context(
            _process("-m", "benchmarks.talker", str(SECONDS * WORDS_PER_SEC), str(WORDS_PER_SEC))
        )
        assert provider.stdout
        port = _free_port()
        address = f"http://127.0.0.1:{int(provider.stdout.readline())}"
        web = ["-m", "daphne", "-v", "0", "-p", str(port), "stagent.asgi:application"]
        more = {"ANTHROPIC_BASE_URL": address, "ALLOWED_HOSTS": "127.0.0.1"}
        server = psutil.Process(stack.enter_context(_process(*web, **more)).pid)
        wait_for(lambda: _answers(port))
        time.sleep(5)  # the SDK is imported in the background
        tokens = [_token(number) for number in range(PEOPLE)]
        family = [server, *server.children(recursive=True)]
        before = sum(map(_used, family))
        listeners = asyncio.run(_listen(port, tokens))
        used = sum(map(_used, family)) - before
    words = PEOPLE * SECONDS * WORDS_PER_SEC
    tell("a word, on the web's processor", f"{1000 * used / words:.3f} ms")
    _report(listeners)


def _used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _report(listeners: list[Listener]) -> None:
    delays = [delay for listener in listeners for delay in listener.delays]
    late = percentile(delays, 0.99)
    whole = sum(_is_whole(listener) for listener in listeners)
    what = f"{PEOPLE} streams of {WORDS_PER_SEC} words/s"
    tell(f"{what}: said → on the page", spread(delays), "p99 < 250 ms", late < 250)
    tell(f"{what}: answers without a loss", f"{whole} of {PEOPLE}", "all", whole == PEOPLE)
    ours = [float(ms) for ms in StreamRecord.objects.values_list("overhead_ms", flat=True) if ms is not None]
    met = percentile(ours, 0.99) < 50
    tell("sent → model asked, while they come", spread(ours), "p99 < 50 ms", met)


def _is_whole(listener: Listener) -> bool:
    final = listener.done.result()
    stored = Message.objects.get(pk=final["message_id"])
    said = len(listener.text.split()) == SECONDS * WORDS_PER_SEC
    same = hashlib.sha256(listener.text.encode()).hexdigest() == final["sha256"]
    return said and same and stored.text == listener.text and stored.status == "complete"


async def _listen(port: int, tokens: list[str]) -> list[Listener]:
    listeners = [await _connect(port, token) for token in tokens]
    for listener in listeners:
        listener.sendMessage(json.dumps({"type": "send", "client_msg_id": "1", "text": "Talk."}).encode())
        await asyncio.sleep(COMING_SEC / PEOPLE)
    await asyncio.wait_for(asyncio.gather(*(listener.done for listener in listeners)), SECONDS * 5)
    return listeners


async def _connect(port: int, token: str) -> Listener:
    loop = asyncio.get_running_loop()
    headers = {"Authorization": f"Bearer {token}"}
    factory: Any = WebSocketClientFactory(f"ws://127.0.0.1:{port}/ws/chat/", headers=headers)
    factory.protocol, factory.opened = Listener, loop.create_future()
    await loop.create_connection(factory, "127.0.0.1", port)
    listener: Listener = await asyncio.wait_for(factory.opened, 20)
    return listener


def _token(number: int) -> str:
    person = User.objects.create_user(f"person{number}")
    return ApiToken.objects.issue(person, "bench", now=clock.now())[1]


@contextmanager
def _process(*arguments: str, **variables: str) -> "Iterator[subprocess.Popen[str]]":
    """Run a Python beside us, as long as it is wanted."""
    env = os.environ | variables
    with subprocess.Popen(
        [sys.executable, *arguments], env=env, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as door:
        return door.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    main()
