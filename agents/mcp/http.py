"""The transport for MCP servers with a URL (streamable HTTP).

The URL is set by an operator, like that of the model's provider, so it can be internal. `mcp` follows
redirects within the same origin only.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from mcp.client.streamable_http import streamable_http_client

from agents.mcp.target import Target

MAX_RESPONSE_BYTES = 16 * 1024 * 1024  # of one response or event
METHOD_NOT_ALLOWED = 405  # the answer of a server without an event stream, or without sessions
SESSION_ENDED = 404
WEB_PAGE = "It returned a web page: this is not the URL of an MCP server."
SIGN_IN = "It requires authentication ({}): add a token to the headers, for example Authorization."
REFUSALS = {
    401: SIGN_IN.format(401),
    403: SIGN_IN.format(403),
    404: "It does not exist at this path (404): check the URL, which often ends in /mcp.",
    405: "It accepts no messages at this URL (405), like the older SSE transport: use the URL of its "
    "streamable HTTP transport, often /mcp.",
}
READ_GRACE_SEC = 15.0  # added to the timeout of a call, so that the call's own timeout comes first


@dataclass
class HttpTransport:
    """The HTTP transport to a server, and its diagnostics."""

    target: Target
    immediately: bool = False  # unused here; see StdioTransport
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    error_status: int = 0  # the last HTTP error status
    refusal: str = ""  # why this URL is not an MCP server, if known

    def diagnostics(self) -> str:
        """Describe for operators what `mcp` does not report."""
        return f"HTTP status {self.error_status}." if self.error_status else ""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Any]:
        """Connect and yield the message streams."""
        timeout = httpx2.Timeout(self.target.call_sec + READ_GRACE_SEC, connect=self.target.connect_sec)
        headers = {**self.target.headers, "Accept-Encoding": "identity"}
        client = httpx2.AsyncClient(
            headers=headers, timeout=timeout, transport=LimitedTransport(self._record)
        )
        session = streamable_http_client(
            self.target.url, http_client=client, max_sse_event_size=MAX_RESPONSE_BYTES
        )
        async with client, session as streams:
            yield streams

    def _record(self, method: str, status: int, content_type: str) -> None:
        if method == "POST":
            self.refusal = REFUSALS.get(status, "")
            if status < 400 and content_type.startswith("text/html"):
                self.refusal = WEB_PAGE
        if status >= 400 and status != METHOD_NOT_ALLOWED:
            self.error_status = status
        if status == SESSION_ENDED:
            self.ended.set()


class LimitedTransport(httpx2.AsyncHTTPTransport):
    """Limits the size of responses (`mcp` limits events only) and refuses compressed ones."""

    def __init__(self, record: Callable[[str, int, str], None]) -> None:
        super().__init__()
        self._record = record

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        self._record(request.method, response.status_code, response.headers.get("content-type", ""))
        if response.headers.get("content-encoding", "identity") != "identity":  # could expand to any size
            await response.aclose()
            raise httpx2.RemoteProtocolError(
                "The response is compressed although identity encoding was requested."
            )
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            response.stream = _LimitedStream(response.stream)  # type: ignore[arg-type]
        return response


class _LimitedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = 0
        async for chunk in self._stream:
            received += len(chunk)
            if received > MAX_RESPONSE_BYTES:
                raise httpx2.StreamError(f"the response is longer than {MAX_RESPONSE_BYTES:,} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
