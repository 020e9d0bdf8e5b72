"""Reads server-sent events as fast as they come, and as many at once as have come.

A chunked body yields one piece at a time, however many have arrived. So a task reads ahead, and the reader
takes all that is there: a lone stream is read event by event, and when the process is busy more is read at
once, without a timer. What is read ahead is bounded: then the socket is left alone, and the server waits.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

READ_AHEAD_BYTES = 256 * 1024
LONGEST_LINE_BYTES = 8 * 1024 * 1024  # of an event; whoever sends more sends no events

LINE_END = re.compile(rb"\r\n|\n|\r")


class EndlessLine(Exception):
    """The server sends a line without an end."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event; `name` is empty where the server gives none."""

    name: str
    data: str


class Decoder:
    """Turns bytes, cut anywhere, into whole events. Lines may end in LF, CRLF or CR.

    An event that is not ended by an empty line is still whole if the stream ends with the line.
    """

    def __init__(self) -> None:
        self._rest = b""  # the beginning of a line
        self._name, self._data = "", list[str]()
        self._after_cr = False  # an LF that comes next is the second half of a line's end

    def feed(self, data: bytes) -> Iterator[ServerSentEvent]:
        """Yield the events that end in these bytes."""
        if self._after_cr:
            data = data.removeprefix(b"\n")
        self._after_cr = data.endswith(b"\r")
        *lines, self._rest = LINE_END.split(self._rest + data)
        if len(self._rest) > LONGEST_LINE_BYTES:
            raise EndlessLine(f"A line of {len(self._rest):,} bytes has no end.")
        for line in lines:
            if event := self._line(line.decode("utf-8", "replace")):
                yield event

    def end(self) -> Iterator[ServerSentEvent]:
        """Yield what the end of the stream completes."""
        rest, self._rest = self._rest, b""
        for line in (rest.decode("utf-8", "replace"), "") if rest else ("",):
            if event := self._line(line):
                yield event

    def _line(self, line: str) -> ServerSentEvent | None:
        line = line.removeprefix("\N{BYTE ORDER MARK}")
        if not line:
            name, data, self._name, self._data = self._name, self._data, "", []
            return ServerSentEvent(name, "\n".join(data)) if data else None
        field, _, value = line.partition(":")
        match field:
            case "data":
                self._data.append(value.removeprefix(" "))
            case "event":
                self._name = value.removeprefix(" ")
        return None  # comments, ids, retry times and fields that nobody knows


class ReadAhead:
    """Reads from a source in a task of its own; `take` returns all that is there."""

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self._source = source
        self._pieces: list[bytes] = []
        self._size = 0
        self._ended = False
        self._changed = asyncio.Event()  # there is something to take, or the source has ended
        self._room = asyncio.Event()
        self._room.set()

    async def take(self) -> bytes:
        """Return what has come, at least a byte; nothing where the source has ended."""
        await self._changed.wait()
        taken = b"".join(self._pieces)
        self._pieces, self._size = [], 0
        self._room.set()
        if not self._ended:
            self._changed.clear()
        return taken

    async def read(self) -> None:
        """Read to the end; what the source raises comes out here."""
        try:
            async for piece in self._source:
                if piece:
                    self._pieces.append(piece)
                    self._size += len(piece)
                    self._changed.set()
                if self._size >= READ_AHEAD_BYTES:
                    self._room.clear()
                    await self._room.wait()
        finally:
            self._ended = True
            self._changed.set()


@asynccontextmanager
async def reading(source: AsyncIterator[bytes]) -> AsyncGenerator[AsyncIterator[bytes]]:
    """Read a source ahead while within; yield an iterator of all that has come each time it is asked."""
    ahead = ReadAhead(source)
    task = asyncio.create_task(ahead.read(), name="read ahead")
    try:
        yield _pieces(ahead, task)
    finally:
        task.cancel()
        await asyncio.wait({task})
        _ = task.cancelled() or task.exception()  # raised already where anybody was still reading


async def _pieces(ahead: ReadAhead, task: "asyncio.Task[None]") -> AsyncGenerator[bytes]:
    while piece := await ahead.take():
        yield piece
    await task
