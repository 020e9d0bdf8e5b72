"""Programs that talk over real sockets and do not give up: what is not accepted is sent again, the same."""

import asyncio
import json
from collections import defaultdict
from typing import Any

from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol

from tests.support.sockets import Frame, join_text

AGAIN_SEC = 0.1


class Talker:
    """Says its texts one after the other. `heard` is every frame of every reply, over all lines."""

    def __init__(self, port: int, token: str, name: str, texts: list[str]) -> None:
        self._port, self._token = port, token
        self._outbox = {f"{name}-{number}": text for number, text in enumerate(texts)}
        self.places: dict[str, Frame] = {}
        self.heard: dict[str, list[Frame]] = defaultdict(list)
        self.shown: list[tuple[str, str]] = []  # reply and text, whenever the line was cut
        self.lines = 0

    async def talk(self) -> None:
        """Say everything, and hear every answer to its end."""
        while not self.is_done:
            try:
                await self._listen(await _dial(self._port, self._token))
            except OSError:  # nobody is there
                await asyncio.sleep(AGAIN_SEC)
            self.shown += [(reply_id, join_text(frames)) for reply_id, frames in self.heard.items()]

    @property
    def is_done(self) -> bool:
        return self._waiting is None

    @property
    def _waiting(self) -> str | None:
        """Return the first of its messages whose answer is not over."""
        return next((name for name in self._outbox if not self._is_over(name)), None)

    def _is_over(self, name: str) -> bool:
        place = self.places.get(name)
        return place is not None and any(frame["type"] == "final" for frame in self.heard[place["reply_id"]])

    async def _listen(self, line: "_Line") -> None:
        self.lines += 1
        positions = {reply_id: frames[-1]["seq"] for reply_id, frames in self.heard.items() if frames}
        line.say(type="hello", positions=positions)
        said: str | None = None
        while (waiting := self._waiting) is not None:
            if waiting != said:
                said = waiting
                line.say(type="send", client_msg_id=waiting, text=self._outbox[waiting])
            frame = await line.frames.get()
            if frame is None:
                return
            self._take(frame)
        line.sendClose()

    def _take(self, frame: Frame) -> None:
        assert frame["type"] != "error", frame
        if frame["type"] == "accepted":
            self.places[frame["client_msg_id"]] = frame
        elif "seq" in frame and frame["type"] != "feed":
            self.heard[frame["message_id"]].append(frame)


class _Line(WebSocketClientProtocol):
    """One connection; None in its frames is its end."""

    factory: "_Lines"

    def onOpen(self) -> None:  # noqa: N802 - autobahn's own names, here and below
        self.frames: asyncio.Queue[Frame | None] = asyncio.Queue()
        self.factory.opened.set_result(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803
        self.frames.put_nowait(json.loads(payload))

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:  # noqa: N802, N803
        if not self.factory.opened.done():
            self.factory.opened.set_exception(ConnectionError(reason))
        elif not self.factory.opened.cancelled() and self.factory.opened.exception() is None:
            self.frames.put_nowait(None)

    def say(self, **frame: Any) -> None:
        self.sendMessage(json.dumps(frame).encode())  # type: ignore[no-untyped-call]


class _Lines(WebSocketClientFactory):
    protocol = _Line
    opened: "asyncio.Future[_Line]"


async def _dial(port: int, token: str) -> _Line:
    loop = asyncio.get_running_loop()
    headers = {"Authorization": f"Bearer {token}"}
    lines = _Lines(f"ws://127.0.0.1:{port}/ws/chat/", headers=headers)  # type: ignore[no-untyped-call]
    lines.opened = loop.create_future()
    await loop.create_connection(lines, "127.0.0.1", port)
    return await lines.opened
