"""A server at an address, over streamable HTTP.

The address is the operator's word, like that of the model's provider, so it may be internal. Where it
redirects to is not: the package follows a redirect within the same origin only.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from mcp.client.streamable_http import streamable_http_client

from agents.mcp.target import Target

LONGEST_ANSWER = 16 * 1024 * 1024  # bytes of one answer or event
NO_SUCH_METHOD = 405  # how a server says that it has no stream of its own, or no sessions to end
SESSION_ENDED = 404
WEB_PAGE = "It answered with a web page: this is no address of an MCP server."
SIGN_IN = "It wants a sign-in ({}): put a token into its headers, such as Authorization."
REFUSALS = {
    401: SIGN_IN.format(401),
    403: SIGN_IN.format(403),
    404: "Nothing is at this path (404): look at the address, which often ends in /mcp.",
    405: "It takes no messages at this address (405), like the older SSE transport: give the address of its "
    "streamable HTTP, often /mcp.",
}
SILENCE_SEC = 15.0  # added to the time of a call, so that the call's own limit comes first


@dataclass
class HttpTransport:
    """The way to a server, and what can be said of how it went."""

    target: Target
    hurried: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    refused: int = 0  # the status of its last refusal
    refusal: str = ""  # in words, where it is no answer of an MCP server

    def account(self) -> str:
        """Say for the operators what the package does not tell."""
        return f"It answered {self.refused}." if self.refused else ""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Any]:
        """Yield the streams of its messages."""
        patience = httpx2.Timeout(self.target.call_sec + SILENCE_SEC, connect=self.target.connect_sec)
        headers = {**self.target.headers, "Accept-Encoding": "identity"}
        client = httpx2.AsyncClient(headers=headers, timeout=patience, transport=Bounded(self._note))
        talk = streamable_http_client(self.target.url, http_client=client, max_sse_event_size=LONGEST_ANSWER)
        async with client, talk as streams:
            yield streams

    def _note(self, method: str, status: int, content_type: str) -> None:
        if method == "POST":
            self.refusal = REFUSALS.get(status, "")
            if status < 400 and content_type.startswith("text/html"):
                self.refusal = WEB_PAGE
        if status >= 400 and status != NO_SUCH_METHOD:
            self.refused = status
        if status == SESSION_ENDED:
            self.ended.set()


class Bounded(httpx2.AsyncHTTPTransport):
    """Gives no more of an answer than a bound, which the package has for events only, and none packed."""

    def __init__(self, note: Callable[[str, int, str], None]) -> None:
        super().__init__()
        self._note = note

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        self._note(request.method, response.status_code, response.headers.get("content-type", ""))
        if response.headers.get("content-encoding", "identity") != "identity":  # it may unpack to anything
            await response.aclose()
            raise httpx2.RemoteProtocolError("The answer is packed, though it was asked for unpacked.")
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            response.stream = _Cut(response.stream)  # type: ignore[arg-type]
        return response


class _Cut(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = 0
        async for chunk in self._stream:
            received += len(chunk)
            if received > LONGEST_ANSWER:
                raise httpx2.StreamError(f"the answer is longer than {LONGEST_ANSWER:,} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
