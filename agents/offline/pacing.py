"""Sends a stream at the pace, and with the accidents, that were ordered."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass

import httpx2

from agents.offline.directives import Orders
from agents.offline.failures import ORDERED, STATUS_OF, error
from agents.offline.sse import SseEvent

type Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True)
class Pacing:
    """How the server waits, and how long the client bears to hear nothing."""

    sleep: Sleep
    read_timeout: float | None

    async def wait(self, seconds: float) -> None:
        """Wait; without anything to wait for, let others have the event loop, as a network would."""
        await (self._bounded(self.sleep(seconds)) if seconds else asyncio.sleep(0))

    async def hang(self) -> None:
        """Wait for ever."""
        await self._bounded(asyncio.Event().wait())

    async def _bounded(self, waiting: Awaitable[object]) -> None:
        clock = asyncio.timeout(self.read_timeout)
        try:
            async with clock:
                await waiting
        except TimeoutError:
            if not clock.expired():  # somebody else's timeout, around us
                raise
            raise httpx2.ReadTimeout(
                "The offline model kept silent for longer than the read timeout"
            ) from None


class EventStream(httpx2.AsyncByteStream):
    """A response body that is being written while it is read."""

    def __init__(self, chunks: AsyncGenerator[bytes]) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        async for chunk in self._chunks:
            yield chunk

    async def aclose(self) -> None:
        await self._chunks.aclose()


async def deliver(events: Iterable[SseEvent], orders: Orders, patience: Pacing) -> AsyncGenerator[bytes]:
    """Yield a stream event by event, waiting where it is slow and breaking off where it is broken."""
    sent = 0
    for event in events:
        if due(orders.cut, event, sent):
            return
        if orders.stream_error and due(orders.after, event, sent):
            yield error_event(orders.stream_error)
            return
        await accident(event, sent, orders, patience)
        await patience.wait(pause(event, sent, orders))
        yield event.encode()
        sent += event.is_delta


async def accident(event: SseEvent, sent: int, orders: Orders, patience: Pacing) -> None:
    """Break the connection, or fall silent, if it is time to."""
    if due(orders.drop, event, sent):
        raise broken()
    if due(orders.stall, event, sent):
        await patience.hang()


def due(after: int | None, event: SseEvent, sent: int) -> bool:
    """Whether an accident after so many tokens is due; at the latest, the message never ends."""
    if after is None:
        return False
    return event.name == "message_delta" or (event.is_delta and sent >= after)


def pause(event: SseEvent, sent: int, orders: Orders) -> float:
    """Return the seconds to wait before an event."""
    if not event.is_delta:
        return 0
    return orders.delay + (0 if sent else orders.first_token)


def error_event(kind: str) -> bytes:
    """Return an error as an event of the stream."""
    data = {"type": "error", "error": error(STATUS_OF[kind], ORDERED)}
    return f"event: error\ndata: {json.dumps(data)}\n\n".encode()


def broken() -> httpx2.RemoteProtocolError:
    """Return what a connection raises that dies in the middle."""
    return httpx2.RemoteProtocolError("peer closed connection without sending complete message body")
