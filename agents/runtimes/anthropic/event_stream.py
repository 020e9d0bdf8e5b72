"""Reads server-sent events as fast as they arrive, and all that have arrived at once.

A chunked body yields one chunk at a time, however many have arrived. A task therefore reads ahead, and the
reader takes everything available: a single stream is read event by event, and a busy process reads more at
once, without a timer. The read-ahead is bounded: beyond it the socket is not read, and the server waits.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

READ_AHEAD_BYTES = 256 * 1024
MAX_LINE_BYTES = 8 * 1024 * 1024  # a longer line is not an event stream

LINE_END = re.compile(rb"\r\n|\n|\r")


class LineTooLong(Exception):
    """The server sends a line without an end."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event; `name` is empty if the server sends none."""

    name: str
    data: str


class Decoder:
    """Decodes bytes, split anywhere, into events. Lines may end in LF, CRLF or CR.

    The last event is complete without an empty line if the stream ends after its line.
    """

    def __init__(self) -> None:
        self._partial_line = b""
        self._name, self._data = "", list[str]()
        self._after_cr = False  # a following LF belongs to the same line end

    def feed(self, data: bytes) -> Iterator[ServerSentEvent]:
        """Yield the events completed by these bytes."""
        if self._after_cr:
            data = data.removeprefix(b"\n")
        self._after_cr = data.endswith(b"\r")
        *lines, self._partial_line = LINE_END.split(self._partial_line + data)
        if len(self._partial_line) > MAX_LINE_BYTES:
            raise LineTooLong(f"A line of {len(self._partial_line):,} bytes has no end.")
        for line in lines:
            if event := self._parse_line(line.decode("utf-8", "replace")):
                yield event

    def end(self) -> Iterator[ServerSentEvent]:
        """Yield the event that the end of the stream completes."""
        rest, self._partial_line = self._partial_line, b""
        for line in (rest.decode("utf-8", "replace"), "") if rest else ("",):
            if event := self._parse_line(line):
                yield event

    def _parse_line(self, line: str) -> ServerSentEvent | None:
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
        return None  # comments, ids, retry times and unknown fields


class ReadAhead:
    """Reads from a source in a separate task; `take` returns everything available."""

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self._source = source
        self._chunks: list[bytes] = []
        self._size = 0
        self._ended = False
        self._changed = asyncio.Event()  # data is available, or the source has ended
        self._has_space = asyncio.Event()
        self._has_space.set()

    async def take(self) -> bytes:
        """Return at least one byte; b"" if the source has ended."""
        await self._changed.wait()
        data = b"".join(self._chunks)
        self._chunks, self._size = [], 0
        self._has_space.set()
        if not self._ended:
            self._changed.clear()
        return data

    async def read(self) -> None:
        """Read to the end; raises what the source raises."""
        try:
            async for chunk in self._source:
                if chunk:
                    self._chunks.append(chunk)
                    self._size += len(chunk)
                    self._changed.set()
                if self._size >= READ_AHEAD_BYTES:
                    self._has_space.clear()
                    await self._has_space.wait()
        finally:
            self._ended = True
            self._changed.set()


@asynccontextmanager
async def read_ahead(source: AsyncIterator[bytes]) -> AsyncGenerator[AsyncIterator[bytes]]:
    """Read a source ahead inside the context; each step of the yielded iterator returns all available
    data.
    """
    reader = ReadAhead(source)
    task = asyncio.create_task(reader.read(), name="read ahead")
    try:
        yield _iterate(reader, task)
    finally:
        task.cancel()
        await asyncio.wait({task})
        _ = task.cancelled() or task.exception()  # already raised to the reader, if there was one


async def _iterate(reader: ReadAhead, task: "asyncio.Task[None]") -> AsyncGenerator[bytes]:
    while chunk := await reader.take():
        yield chunk
    await task
