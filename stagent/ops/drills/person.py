"""A chat user with a real socket: repeats messages until they are accepted, and checks every word."""

import asyncio
import contextlib
import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any

from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol

RETRY_SEC = 0.3
PATIENCE_SEC = 90.0


@dataclass
class ReceivedMessages:
    """One reply as it reached the user."""

    asked: str
    sent_at: float  # monotonic
    reply_id: str = ""
    text: str = ""
    seq: int = 0
    first_ms: float | None = None
    final: dict[str, Any] | None = None
    gaps: list[tuple[int, int]] = field(default_factory=list)

    def take(self, frame: dict[str, Any]) -> None:
        """Add a frame of this reply."""
        if frame["type"] == "snapshot":
            self.text = frame["text"]
        elif frame["seq"] <= self.seq:
            return  # seen before the line was cut
        elif frame["seq"] != self.seq + 1:
            self.gaps.append((self.seq, frame["seq"]))
        self.seq = frame["seq"]
        if frame["type"] == "delta":
            self.text += frame["text"]
            self.first_ms = self.first_ms or 1000 * (time.monotonic() - self.sent_at)
        elif frame["type"] == "final":
            self.final = frame

    @property
    def is_true(self) -> bool:
        """Whether the received text equals the server's."""
        if self.final is None or self.gaps:
            return False
        return bool(hashlib.sha256(self.text.encode()).hexdigest() == self.final["sha256"])


class Person:
    """Sends one message after the other, and reconnects after every cut."""

    def __init__(self, port: int, token: str, name: str, patience_sec: float = PATIENCE_SEC) -> None:
        self._port, self._token, self._name = port, token, name
        self._patience_sec = patience_sec
        self._line: _Line | None = None
        self._conversation_id: str | None = None
        self.heard: list[ReceivedMessages] = []

    async def ask(self, text: str) -> ReceivedMessages:
        """Send a message and receive its reply, over as many connections as it takes."""
        asked = ReceivedMessages(f"{self._name}-{len(self.heard)}", time.monotonic())
        self.heard.append(asked)
        async with asyncio.timeout(self._patience_sec):
            while asked.final is None:
                try:
                    await self._ping_loop(asked, text)
                except (ConnectionError, OSError, TimeoutError):
                    self._line = None
                    await asyncio.sleep(RETRY_SEC)
        return asked

    async def _ping_loop(self, asked: ReceivedMessages, text: str) -> None:
        line = self._line or await self._connect(asked)
        if not asked.reply_id:
            await self._send(line, asked, text)
        while asked.final is None:
            frame = await line.receive()
            if _is_of(asked, frame):
                asked.take(frame)

    async def _send(self, line: "_Line", asked: ReceivedMessages, text: str) -> None:
        """Send until it is accepted; frames before that may belong to this reply already."""
        early: list[dict[str, Any]] = []
        said = {"client_msg_id": asked.asked, "conversation_id": self._conversation_id, "text": text}
        line.say({"type": "send", **said})
        while (frame := await line.receive()).get("client_msg_id") != asked.asked:
            early.append(frame)
        asked.reply_id, self._conversation_id = frame["reply_id"], frame["conversation_id"]
        for each in early:
            if _is_of(asked, each):
                asked.take(each)

    async def _connect(self, asked: ReceivedMessages) -> "_Line":
        self._line = line = await _dial(self._port, self._token)
        line.say({"type": "hello", "positions": {asked.reply_id: asked.seq} if asked.reply_id else {}})
        return line


def _is_of(asked: ReceivedMessages, frame: dict[str, Any]) -> bool:
    return frame.get("message_id") == asked.reply_id and frame["type"] not in {"feed", "accepted"}


class _Line(WebSocketClientProtocol):
    """One connection."""

    factory: "_Lines"

    def onConnecting(self, details: Any) -> None:  # noqa: N802 - autobahn's own names, here and below
        self.frames: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def onOpen(self) -> None:  # noqa: N802
        self.factory.opened.set_result(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803
        self.frames.put_nowait(json.loads(payload))

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:  # noqa: N802, N803
        self.frames.put_nowait({"type": "closed", "why": f"{code} {reason}"})
        if not self.factory.opened.done():
            self.factory.opened.set_exception(ConnectionError(reason))

    async def receive(self) -> dict[str, Any]:
        """Wait for the next frame. Raises ConnectionError when cut, RuntimeError when refused."""
        frame = await self.frames.get()
        if frame["type"] == "closed":
            raise ConnectionError(frame["why"])
        if frame["type"] == "error":
            raise RuntimeError(f"{frame['code']}: {frame['message']}")
        return frame

    def say(self, frame: dict[str, Any]) -> None:
        with contextlib.suppress(Exception):  # a line that is cut says so by its frames
            self.sendMessage(json.dumps(frame).encode())  # type: ignore[no-untyped-call]


class _Lines(WebSocketClientFactory):
    """Creates the connection."""

    protocol = _Line
    opened: "asyncio.Future[_Line]"


async def _dial(port: int, token: str) -> _Line:
    loop = asyncio.get_running_loop()
    headers = {"Authorization": f"Bearer {token}"}
    factory = _Lines(f"ws://127.0.0.1:{port}/ws/chat/", headers=headers)  # type: ignore[no-untyped-call]
    factory.opened = loop.create_future()
    await loop.create_connection(factory, "127.0.0.1", port)
    return await asyncio.wait_for(factory.opened, 10)
