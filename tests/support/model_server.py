"""A model server on a real socket, as hard as those in the world: chunked, a chunk an event, kept open.

An answer is a list of steps: bytes are sent in a write of their own, a number is waited for in seconds, and
`RESET`, `HANG_UP` and `SILENCE` end it the hard way. `answer` makes the plain one; what a test changes of it,
one thing at a time, is its argument.
"""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto
from typing import Any

from agents.offline.validation import check


class End(Enum):
    RESET = auto()  # a TCP reset: the other side loses what it has not read
    HANG_UP = auto()  # the connection is closed in good order
    SILENCE = auto()  # nothing more is said, the connection stays


RESET, HANG_UP, SILENCE = End

type Json = dict[str, Any]
type Step = bytes | float | End
type Answer = Callable[[Json], Iterable[Step]]

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"


class ModelServer:
    """Gives its answers in order, the last one for ever; requests that the real API refuses fail the test."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.requests: list[Json] = []
        self.connections = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._leaving = asyncio.Event()
        self.url = ""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["ModelServer"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            self._leaving.set()
            server.close()
            for writer in self._writers:
                writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._answer(await _hear(reader), writer):
                pass
        writer.close()

    async def _answer(self, request: Json, writer: asyncio.StreamWriter) -> bool:
        """Answer a request; return whether the connection can take another."""
        check(request, counting=False)
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        for step in answer(request):
            match step:
                case bytes():
                    writer.write(step)
                    await writer.drain()
                case End():
                    return await self._end(step, writer)
                case seconds:
                    await asyncio.sleep(seconds)
        return True

    async def _end(self, how: End, writer: asyncio.StreamWriter) -> bool:
        if how == SILENCE:
            await self._leaving.wait()
        if how == RESET:
            await asyncio.sleep(0.05)  # else the reset overtakes what was sent
            line: socket.socket = writer.get_extra_info("socket")
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        return False


async def _hear(reader: asyncio.StreamReader) -> Json:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length")
    )
    return dict(json.loads(await reader.readexactly(length)))


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def events_of(blocks: Sequence[Json], stop: str | None = "end_turn") -> list[Json]:
    """Return the events of a reply, a word to a delta, with pings among them."""
    message: Json = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 10, "output_tokens": 1},
    }  # fmt: skip
    events: list[Json] = [{"type": "message_start", "message": message}, {"type": "ping"}]
    for index, block in enumerate(blocks):
        events += _block(index, block)
    end = {"stop_reason": stop, "stop_sequence": None}
    events.append({"type": "message_delta", "delta": end, "usage": {"output_tokens": 20}})
    return [*events, {"type": "message_stop"}]


def _block(index: int, block: Json) -> Iterable[Json]:
    if block["type"] == "text":
        empty = {"type": "text", "text": ""}
        words = block.get("pieces") or block["text"].split(" ")
        texts = words if "pieces" in block else [" " * bool(n) + word for n, word in enumerate(words)]
        deltas = [{"type": "text_delta", "text": each} for each in texts]
    else:
        empty = block | {"input": {}}
        written = json.dumps(block["input"])
        deltas = [{"type": "input_json_delta", "partial_json": each} for each in ("", *written)]
    yield {"type": "content_block_start", "index": index, "content_block": empty}
    yield from ({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas)
    yield {"type": "ping"}
    yield {"type": "content_block_stop", "index": index}


def text(said: str, *pieces: str) -> Json:
    """Make a text block; `pieces` are its deltas where they are not its words."""
    return {"type": "text", "text": said} | ({"pieces": pieces} if pieces else {})


def call(name: str, ident: str = "toolu_1", **arguments: Any) -> Json:
    return {"type": "tool_use", "id": ident, "name": name, "input": arguments}


def written(event: Json, line_end: str = "\n", named: bool = True, colon: str = ": ") -> bytes:
    """Write an event as it goes over the wire."""
    name = f"event{colon}{event['type']}{line_end}" if named else ""
    return f"{name}data{colon}{json.dumps(event)}{line_end}{line_end}".encode()


def answer(
    *blocks: Json,
    stop: str | None = "end_turn",
    head: bytes = HEAD + CHUNKED,
    change: Callable[[list[Json]], list[Json]] = list,
    write: Callable[[Json], bytes] = written,
    send: Callable[[list[bytes]], Iterable[Step]] | None = None,
) -> Answer:
    """Make an answer: its events, as `change` changes them, written by `write` and sent by `send`."""

    def steps(request: Json) -> Iterable[Step]:
        said = [write(event) for event in change(events_of(blocks, stop))]
        yield head
        yield from (send or in_chunks)(said)

    return steps


def in_chunks(events: Iterable[bytes]) -> Iterable[Step]:
    """Send each event as a chunk, and end the body."""
    yield from map(chunk, events)
    yield b"0\r\n\r\n"


def plainly(status: str, body: str | Json, content_type: str = "application/json") -> Answer:
    """Make an answer that is no stream."""
    said = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {len(said)}\r\n\r\n"
    return lambda request: [head.encode(), said]
