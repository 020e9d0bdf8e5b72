"""The Anthropic Messages API: at the provider, at a compatible server, or from the offline model.

The SDK takes seconds to import, which happens at the first request. Its retries are off: it would sleep as
long as Retry-After says, holding a slot.
"""

import asyncio
import json
import re
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from agents import conf
from agents.protocol.reply import Reply
from agents.runtimes.anthropic.event_stream import Decoder, read_ahead
from agents.runtimes.anthropic.message_builder import MessageBuilder
from agents.runtimes.anthropic.protocol_errors import GarbledStream, is_redirect, not_a_reply, specific_error
from agents.runtimes.anthropic.request import build_arguments
from agents.runtimes.base import Delta, Request
from agents.spending.prices import LISTED, OFFLINE

if TYPE_CHECKING:
    import httpx2
    from anthropic import AsyncAnthropic

CONNECT_SEC = 5.0
FIRST_TOKEN_SEC = (
    300.0  # also between two chunks: the provider sends pings, so silence means a dead connection
)
DRAIN_SEC = 0.25  # for the body to end after its message
SNIFFED_BYTES = 8  # enough to recognise an event stream
MAX_RESPONSE_BYTES = 8 * 1024 * 1024  # of a response that is not streamed
EVENT_START = re.compile(rb"\s*(?:event|data|id|retry)?:")
API_VERSION = "2023-06-01"  # supported by compatible servers


@dataclass(frozen=True)
class Endpoint:
    """The address and key of a server."""

    url: str = ""  # empty: the provider's own
    key: str = ""
    transport: "httpx2.AsyncBaseTransport | None" = None  # replaces the network

    @property
    def is_provider(self) -> bool:
        return conf.is_provider(self.url) and not self.is_offline

    @property
    def is_offline(self) -> bool:
        return not self.url and not self.key

    @cached_property
    def name(self) -> str:
        if self.is_offline:
            return OFFLINE
        return LISTED if self.is_provider else f"{LISTED}@{self.host}"

    @property
    def host(self) -> str:
        """Return the host for messages, without credentials."""
        return urlsplit(self.url or conf.PROVIDER_URL).netloc.rpartition("@")[2]


class AnthropicRuntime:
    """Calls the endpoint in the current settings, or a given one."""

    def __init__(self, name: str = "anthropic", endpoint: Endpoint | None = None) -> None:
        self.name = name
        self._endpoint = endpoint
        # By event loop: a client's connections belong to the loop they were opened in.
        self._clients: weakref.WeakKeyDictionary[Any, dict[Endpoint, AsyncAnthropic]] = (
            weakref.WeakKeyDictionary()
        )

    @property
    def endpoint(self) -> Endpoint:
        return self._endpoint or Endpoint(conf.base_url(), conf.api_key())

    def provider_name(self) -> str:
        return self.endpoint.name

    @asynccontextmanager
    async def ask(self, request: Request) -> AsyncIterator["AnthropicCall"]:
        """Send a request and yield the open call."""
        endpoint = self.endpoint
        arguments = build_arguments(request, is_provider=endpoint.is_provider)
        client = await self._client(endpoint)
        async with AsyncExitStack() as stack:
            try:
                stream = await stack.enter_async_context(client.messages.stream(**arguments))
            except Exception as error:
                if endpoint.is_provider and not is_redirect(error):
                    raise
                specific = specific_error(error, endpoint.host, offered_tools=bool(request.tools))
                if specific is error:  # raised from itself, it would lose its cause
                    raise
                raise specific from error
            chunks: AsyncIterator[bytes] = stream.response.aiter_bytes()
            if endpoint.transport or endpoint.is_offline:  # no socket buffers the data
                chunks = await stack.enter_async_context(read_ahead(stream.response.aiter_bytes()))
            request_id = str(stream.response.headers.get("request-id", ""))
            builder = MessageBuilder(request.model, endpoint.host, request_id)
            yield AnthropicCall(chunks, builder, stream.response.headers.get("content-type", ""))

    async def close(self) -> None:
        for client in self._clients.pop(asyncio.get_running_loop(), {}).values():
            await client.close()

    async def _client(self, endpoint: Endpoint) -> "AsyncAnthropic":
        clients = self._clients.setdefault(asyncio.get_running_loop(), {})
        if endpoint not in clients:
            # In a thread: the import would block the loop, and all lease renewals, for seconds.
            clients.setdefault(endpoint, await asyncio.to_thread(_create_client, endpoint))
        return clients[endpoint]


class AnthropicCall:
    """An open call. Reads the stream below the SDK's own reader, which takes ten times as long."""

    def __init__(self, chunks: AsyncIterator[bytes], builder: MessageBuilder, content_type: str) -> None:
        self._chunks, self._builder = chunks, builder
        self._is_stream = content_type.startswith("text/event-stream")
        self._decoder = Decoder()

    async def __aiter__(self) -> AsyncIterator[Delta]:
        """Yield text and thinking; deltas that arrived together are joined."""
        chunk = await self._detect_format()
        if not self._is_stream:
            for delta in await self._read_document(chunk):
                yield delta
            self._builder.check_end()
            return
        while chunk:
            for delta in self._parse_events(chunk):
                yield delta
            chunk = b"" if self._builder.has_ended else await anext(self._chunks, b"")
        await self._read_end()
        self._builder.check_end()

    def so_far(self) -> Reply | None:
        """Return the reply received so far."""
        return self._builder.so_far()

    async def _detect_format(self) -> bytes:
        """Read enough to detect the format: servers send JSON errors under any content type."""
        data = await anext(self._chunks, b"")
        while not self._is_stream and len(data) < SNIFFED_BYTES and (chunk := await anext(self._chunks, b"")):
            data += chunk
        is_document = data.lstrip()[:1] in (b"{", b"<")
        self._is_stream = not is_document and (self._is_stream or EVENT_START.match(data) is not None)
        return data

    async def _read_document(self, first: bytes) -> list[Delta]:
        """Read a response that is not streamed: a reply, or something else."""
        data = bytearray(first)
        while len(data) < MAX_RESPONSE_BYTES and (chunk := await anext(self._chunks, b"")):
            data += chunk
        text = data.decode("utf-8", "replace")
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        if not (isinstance(message, dict) and message.get("type") == "message"):
            raise not_a_reply(text, self._builder.host, self._builder.request_id)
        return list(self._builder.add_message(message))

    def _parse_events(self, chunk: bytes) -> Iterator[Delta]:
        """Parse the events of a chunk, with consecutive deltas joined; deltas before an error are yielded
        first.
        """
        parsed: list[Delta] = []
        error_raised = None
        try:
            for event in self._decoder.feed(chunk):
                parsed += self._builder.add_event(event)
        except Exception as error:  # noqa: BLE001 - raised below
            error_raised = error
        for thinking, deltas in groupby(parsed, key=attrgetter("thinking")):
            yield Delta("".join(delta.text for delta in deltas), thinking)
        if error_raised:
            raise error_raised

    async def _read_end(self) -> None:
        """Read briefly past the message, so that the connection can be reused."""
        with suppress(
            TimeoutError, GarbledStream
        ):  # an incomplete event: the reply is judged by what is missing
            async with asyncio.timeout(DRAIN_SEC):
                if self._builder.has_ended:
                    async for _ in self._chunks:
                        pass
            for event in self._decoder.end():
                for _ in self._builder.add_event(event):
                    pass


def _create_client(endpoint: Endpoint) -> "AsyncAnthropic":
    from anthropic import AsyncAnthropic, Timeout

    headers = {} if endpoint.is_provider else {"anthropic-version": API_VERSION}
    return AsyncAnthropic(
        api_key=endpoint.key or "local",  # always set, or the SDK would search for one
        base_url=endpoint.url or conf.PROVIDER_URL,
        max_retries=0,
        timeout=Timeout(FIRST_TOKEN_SEC, connect=CONNECT_SEC),
        default_headers=headers,
        http_client=_http_client(endpoint),
    )


def _http_client(endpoint: Endpoint) -> "httpx2.AsyncClient":
    """Return a client over aiohttp, whose reader buffers the data, or over the given transport."""
    from anthropic import DefaultAioHttpClient, DefaultAsyncHttpxClient

    if transport := endpoint.transport or _offline_transport(endpoint):
        return DefaultAsyncHttpxClient(follow_redirects=False, transport=transport)
    return DefaultAioHttpClient(follow_redirects=False)


def _offline_transport(endpoint: Endpoint) -> "httpx2.AsyncBaseTransport | None":
    if not endpoint.is_offline:
        return None
    from agents.offline.transport import OfflineTransport

    return OfflineTransport()
