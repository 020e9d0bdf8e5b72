"""Read a provider's stream in fewer, bigger pieces: what is said within a moment comes as one event.

The SDK spends 0.2 ms of processor time on an event, so two hundred fluent streams would take a whole core
only to be read. After a piece with words in it the socket rests; what comes meanwhile waits in the kernel,
is read at once, and its words are made one `content_block_delta`. The first word is never kept waiting, and
all but words passes by as it came.
"""

import asyncio
import json
import time
import weakref
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2

REST_SEC = 0.05  # of a lone stream
REST_PER_STREAM_SEC = 0.0005  # more: so reading takes half a core at most, however many there are
DELTA = b"event: content_block_delta\n"
# Deltas that may be joined, with the name of the text that each of them carries.
TEXTS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}


async def gather(response: httpx2.Response) -> None:
    """Let an event stream come in pieces; a hook of the HTTP client, called before the body is read."""
    headers = response.headers
    if headers.get("content-type", "").startswith("text/event-stream") and "content-encoding" not in headers:
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = Gathered(response.stream)


class Gathered(httpx2.AsyncByteStream):
    """A stream that rests after each piece with words in it."""

    def __init__(self, source: httpx2.AsyncByteStream) -> None:
        self._source = source
        _open.add(self)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        rest = b""
        async for chunk in self._source:
            read_at = time.monotonic()
            whole, rest = _whole(rest + chunk)
            if whole:
                yield join(whole)
            if DELTA in whole:
                await asyncio.sleep(read_at + pause() - time.monotonic())
        if rest:
            yield rest

    async def aclose(self) -> None:
        _open.discard(self)
        await self._source.aclose()


def pause() -> float:
    """Return how many seconds a stream rests after a piece."""
    return REST_SEC + REST_PER_STREAM_SEC * len(_open)


_open: "weakref.WeakSet[Gathered]" = weakref.WeakSet()


def join(events: bytes) -> bytes:
    """Join the words in a row of whole events."""
    if events.count(DELTA) < 2 or b"\r" in events:
        return events
    return b"".join(_joined(events.removesuffix(b"\n\n").split(b"\n\n")))


@dataclass
class _Words:
    """Some words of one block of the reply."""

    index: int
    kind: str
    text: str

    def as_event(self) -> bytes:
        delta = {"type": self.kind, TEXTS[self.kind]: self.text}
        data = {"type": "content_block_delta", "index": self.index, "delta": delta}
        return DELTA + b"data: " + json.dumps(data).encode() + b"\n\n"


def _joined(events: list[bytes]) -> Iterator[bytes]:
    words: _Words | None = None
    for event in events:
        more = _read(event)
        if words and more and (words.index, words.kind) == (more.index, more.kind):
            words.text += more.text
            continue
        if words:
            yield words.as_event()
        words = more
        if more is None:
            yield event + b"\n\n"
    if words:
        yield words.as_event()


def _read(event: bytes) -> _Words | None:
    """Read an event that is words and nothing but words."""
    if not event.startswith(DELTA + b"data:"):
        return None
    try:
        data: Any = json.loads(event[len(DELTA) + len(b"data:") :])
        delta = data["delta"]
        kind = delta["type"]
        if data.keys() == {"type", "index", "delta"} and delta.keys() == {"type", TEXTS[kind]}:
            return _Words(data["index"], kind, delta[TEXTS[kind]])
    except (ValueError, KeyError, TypeError):
        pass  # of a kind that we do not know: the SDK may
    return None


def _whole(data: bytes) -> tuple[bytes, bytes]:
    """Split into whole events and the beginning of one; lines that end in CRLF pass by as they came."""
    if b"\r" in data:
        return data, b""
    end = data.rfind(b"\n\n") + 2
    return (data[:end], data[end:]) if end > 1 else (b"", data)
