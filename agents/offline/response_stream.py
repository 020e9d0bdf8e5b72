"""Sends the response stream with the delays and faults of the directive."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass

import httpx2

from agents.offline.directives import Directive
from agents.offline.failures import REQUESTED_FAILURE, STATUS_OF, error
from agents.offline.sse import SseEvent

type Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True)
class Delays:
    """Waits on the server side, limited by the read timeout of the client."""

    sleep: Sleep
    read_timeout: float | None

    async def wait(self, seconds: float) -> None:
        """Wait; for 0 seconds, yield to the event loop, as a network would."""
        await (self._with_read_timeout(self.sleep(seconds)) if seconds else asyncio.sleep(0))

    async def hang(self) -> None:
        """Wait for ever."""
        await self._with_read_timeout(asyncio.Event().wait())

    async def _with_read_timeout(self, awaitable: Awaitable[object]) -> None:
        timeout = asyncio.timeout(self.read_timeout)
        try:
            async with timeout:
                await awaitable
        except TimeoutError:
            if not timeout.expired():  # an outer timeout
                raise
            raise httpx2.ReadTimeout("The offline model sent nothing within the read timeout") from None


class ResponseStream(httpx2.AsyncByteStream):
    """A response body that is generated while it is read."""

    def __init__(self, chunks: AsyncGenerator[bytes]) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        async for chunk in self._chunks:
            yield chunk

    async def aclose(self) -> None:
        await self._chunks.aclose()


async def stream_with_faults(
    events: Iterable[SseEvent], directive: Directive, delays: Delays
) -> AsyncGenerator[bytes]:
    """Yield the encoded events with the delays and faults of the directive."""
    sent = 0
    for event in events:
        if is_due(directive.cut, event, sent):
            return
        if directive.stream_error and is_due(directive.after, event, sent):
            yield error_event(directive.stream_error)
            return
        await inject_fault(event, sent, directive, delays)
        await delays.wait(delay_before(event, sent, directive))
        yield event.encode()
        sent += event.is_delta


async def inject_fault(event: SseEvent, sent: int, directive: Directive, delays: Delays) -> None:
    """Drop the connection, or stall, if the directive requests it here."""
    if is_due(directive.drop, event, sent):
        raise connection_error()
    if is_due(directive.stall, event, sent):
        await delays.hang()


def is_due(after: int | None, event: SseEvent, sent: int) -> bool:
    """Return whether a fault after so many tokens is due, at the latest before message_delta."""
    if after is None:
        return False
    return event.name == "message_delta" or (event.is_delta and sent >= after)


def delay_before(event: SseEvent, sent: int, directive: Directive) -> float:
    if not event.is_delta:
        return 0
    return directive.delay + (0 if sent else directive.first_token)


def error_event(kind: str) -> bytes:
    """Return an encoded error event."""
    data = {"type": "error", "error": error(STATUS_OF[kind], REQUESTED_FAILURE)}
    return f"event: error\ndata: {json.dumps(data)}\n\n".encode()


def connection_error() -> httpx2.RemoteProtocolError:
    """Return the error of a connection that breaks in the middle of a response."""
    return httpx2.RemoteProtocolError("peer closed connection without sending complete message body")
