"""The Messages API: the provider's own, any other server that speaks it, or the offline model.

The SDK takes seconds to import, so that happens at the first question. Its retries are off: it would sleep as
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
from agents.runtimes.anthropic.event_stream import Decoder, reading
from agents.runtimes.anthropic.message_builder import MessageBuilder
from agents.runtimes.anthropic.protocol_errors import GarbledStream, explained, is_redirect, not_a_reply
from agents.runtimes.anthropic.request import shape
from agents.runtimes.base import Delta, Request
from agents.spending.prices import LISTED, OFFLINE

if TYPE_CHECKING:
    import httpx2
    from anthropic import AsyncAnthropic

CONNECT_SEC = 5.0
FIRST_TOKEN_SEC = 300.0  # also the longest silence within a stream: the provider pings, so it means dead
END_SEC = 0.25  # for a body to end whose message has ended
SEEN_BYTES = 8  # enough to tell a stream from anything else
LONGEST_ANSWER_BYTES = 8 * 1024 * 1024  # of one that is not streamed
FIELD = re.compile(rb"\s*(?:event|data|id|retry)?:")  # how a stream of events begins
OLD_VERSION = "2023-06-01"  # the one that compatible servers know


@dataclass(frozen=True)
class Endpoint:
    """Whom to ask, and with which key."""

    url: str = ""  # empty: the provider's own
    key: str = ""
    transport: "httpx2.AsyncBaseTransport | None" = None  # in place of the network

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
        """Name the server for people, without what is secret in its address."""
        return urlsplit(self.url or conf.PROVIDER_URL).netloc.rpartition("@")[2]


class AnthropicRuntime:
    """Asks the endpoint that the settings name at that moment, or a given one."""

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
        """Put a question and yield the answer under way."""
        endpoint = self.endpoint
        arguments = shape(request, full=endpoint.is_provider)
        client = await self._client(endpoint)
        async with AsyncExitStack() as stack:
            try:
                stream = await stack.enter_async_context(client.messages.stream(**arguments))
            except Exception as error:
                if endpoint.is_provider and not is_redirect(error):
                    raise
                exact = explained(error, endpoint.host, offered_tools=bool(request.tools))
                if exact is error:  # raised from itself it would lose its cause
                    raise
                raise exact from error
            pieces: AsyncIterator[bytes] = stream.response.aiter_bytes()
            if endpoint.transport or endpoint.is_offline:  # no socket buffers what comes
                pieces = await stack.enter_async_context(reading(stream.response.aiter_bytes()))
            ident = str(stream.response.headers.get("request-id", ""))
            builder = MessageBuilder(request.model, endpoint.host, ident)
            yield AnthropicCall(pieces, builder, stream.response.headers.get("content-type", ""))

    async def close(self) -> None:
        for client in self._clients.pop(asyncio.get_running_loop(), {}).values():
            await client.close()

    async def _client(self, endpoint: Endpoint) -> "AsyncAnthropic":
        clients = self._clients.setdefault(asyncio.get_running_loop(), {})
        if endpoint not in clients:
            # In a thread: the import would stop the loop, and every lease with it, for seconds.
            clients.setdefault(endpoint, await asyncio.to_thread(_connect, endpoint))
        return clients[endpoint]


class AnthropicCall:
    """A reply under way. Its stream is read below the SDK's own reader, which takes ten times as long."""

    def __init__(self, pieces: AsyncIterator[bytes], builder: MessageBuilder, content_type: str) -> None:
        self._pieces, self._builder = pieces, builder
        self._is_stream = content_type.startswith("text/event-stream")
        self._decoder = Decoder()

    async def __aiter__(self) -> AsyncIterator[Delta]:
        """Yield words and thoughts; those that have come at once are one."""
        piece = await self._begin()
        if not self._is_stream:
            for delta in await self._read_whole(piece):
                yield delta
            self._builder.check_end()
            return
        while piece:
            for delta in self._read(piece):
                yield delta
            piece = b"" if self._builder.has_ended else await anext(self._pieces, b"")
        await self._read_end()
        self._builder.check_end()

    def so_far(self) -> Reply | None:
        """Return the reply as far as it came."""
        return self._builder.so_far()

    async def _begin(self) -> bytes:
        """Read enough to see what this is: servers tell errors as JSON under any type."""
        said = await anext(self._pieces, b"")
        while not self._is_stream and len(said) < SEEN_BYTES and (piece := await anext(self._pieces, b"")):
            said += piece
        is_document = said.lstrip()[:1] in (b"{", b"<")
        self._is_stream = not is_document and (self._is_stream or FIELD.match(said) is not None)
        return said

    async def _read_whole(self, first: bytes) -> list[Delta]:
        """Read an answer that is not streamed: a whole reply, or whatever else it is."""
        said = bytearray(first)
        while len(said) < LONGEST_ANSWER_BYTES and (piece := await anext(self._pieces, b"")):
            said += piece
        text = said.decode("utf-8", "replace")
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        if not (isinstance(message, dict) and message.get("type") == "message"):
            raise not_a_reply(text, self._builder.host, self._builder.request_id)
        return list(self._builder.take_whole(message))

    def _read(self, piece: bytes) -> Iterator[Delta]:
        """Read the events of a piece, the words in a row as one; those before an error are words, too."""
        said: list[Delta] = []
        trouble = None
        try:
            for event in self._decoder.feed(piece):
                said += self._builder.take(event)
        except Exception as error:  # noqa: BLE001 - raised below
            trouble = error
        for thinking, deltas in groupby(said, key=attrgetter("thinking")):
            yield Delta("".join(delta.text for delta in deltas), thinking)
        if trouble:
            raise trouble

    async def _read_end(self) -> None:
        """Read what follows the message, so that the connection can be used again, for a moment."""
        with suppress(TimeoutError, GarbledStream):  # half an event: the reply is judged by what it lacks
            async with asyncio.timeout(END_SEC):
                if self._builder.has_ended:
                    async for _ in self._pieces:
                        pass
            for event in self._decoder.end():
                for _ in self._builder.take(event):
                    pass


def _connect(endpoint: Endpoint) -> "AsyncAnthropic":
    from anthropic import AsyncAnthropic, Timeout

    own = {} if endpoint.is_provider else {"anthropic-version": OLD_VERSION}
    return AsyncAnthropic(
        api_key=endpoint.key or "local",  # given even where none is needed, so that none is looked for
        base_url=endpoint.url or conf.PROVIDER_URL,
        max_retries=0,
        timeout=Timeout(FIRST_TOKEN_SEC, connect=CONNECT_SEC),
        default_headers=own,
        http_client=_http_client(endpoint),
    )


def _http_client(endpoint: Endpoint) -> "httpx2.AsyncClient":
    """Return a client over aiohttp, whose reader buffers what comes, or over the transport given."""
    from anthropic import DefaultAioHttpClient, DefaultAsyncHttpxClient

    if transport := endpoint.transport or _offline(endpoint):
        return DefaultAsyncHttpxClient(follow_redirects=False, transport=transport)
    return DefaultAioHttpClient(follow_redirects=False)


def _offline(endpoint: Endpoint) -> "httpx2.AsyncBaseTransport | None":
    if not endpoint.is_offline:
        return None
    from agents.offline.transport import OfflineTransport

    return OfflineTransport()
