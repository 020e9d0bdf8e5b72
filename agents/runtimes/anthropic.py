"""The Messages API: the provider's own, any other server that speaks it, or the offline model.

The SDK takes seconds to import, so that happens at the first question. Its retries are off: it would sleep as
long as Retry-After says, holding a slot.
"""

import asyncio
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from agents import conf
from agents.prices import LISTED
from agents.replies import Reply
from agents.runtimes.base import Delta, Request
from agents.runtimes.requests import shape
from agents.text import storable
from agents.usage import Usage, estimate

if TYPE_CHECKING:
    import httpx2
    from anthropic import AsyncAnthropic
    from anthropic.lib.streaming import AsyncMessageStream

CONNECT_SEC = 5.0
FIRST_TOKEN_SEC = 300.0  # also the longest silence within a stream: the provider pings, so it means dead
OFFLINE = "offline"
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
        return LISTED if self.is_provider else f"{LISTED}@{urlsplit(self.url).netloc.rpartition('@')[2]}"


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
    async def ask(self, request: Request) -> AsyncIterator["Conversing"]:
        """Put a question and yield the answer under way."""
        endpoint = self.endpoint
        arguments = shape(request, full=endpoint.is_provider)
        client = await self._client(endpoint)
        async with client.messages.stream(**arguments) as stream:
            yield Conversing(stream, request.model)

    async def _client(self, endpoint: Endpoint) -> "AsyncAnthropic":
        clients = self._clients.setdefault(asyncio.get_running_loop(), {})
        if endpoint not in clients:
            # In a thread: the import would stop the loop, and every lease with it, for seconds.
            clients.setdefault(endpoint, await asyncio.to_thread(_connect, endpoint))
        return clients[endpoint]


class Conversing:
    """A reply under way, kept as the SDK's snapshot of it."""

    def __init__(self, stream: "AsyncMessageStream", model: str) -> None:
        self._stream, self._model = stream, model
        self._counted = False  # whether the provider has said how long the reply was
        self._chars = 0

    async def __aiter__(self) -> AsyncIterator[Delta]:
        """Yield words and thoughts. Events and deltas of kinds we do not know pass by."""
        async for event in self._stream:
            if event.type == "message_delta":
                self._counted = True
            elif event.type == "content_block_delta" and (delta := self._read(event.delta)):
                yield delta

    def so_far(self) -> Reply | None:
        """Return the reply as far as it came, its tokens estimated until the provider has counted them."""
        try:
            message = self._stream.current_message_snapshot
        except AssertionError:  # before message_start
            return None
        details = message.stop_details
        return Reply(
            content=[storable(block.to_dict(mode="json", warnings=False)) for block in message.content],
            stop_reason=message.stop_reason,
            usage=self._usage(message.usage),
            model=message.model or self._model,
            stop_details=storable(details.to_dict(mode="json")) if details else None,
            estimated=not self._counted,
            request_id=self._stream.request_id or "",
        )

    def _read(self, delta: Any) -> Delta | None:
        match delta.type:
            case "text_delta":
                self._chars += len(delta.text)
                return Delta(storable(delta.text)) if delta.text else None
            case "thinking_delta":
                self._chars += len(delta.thinking)
                return Delta(storable(delta.thinking), thinking=True) if delta.thinking else None
            case "input_json_delta":
                self._chars += len(delta.partial_json)
        return None

    def _usage(self, counted: Any) -> Usage:
        return Usage(
            input=counted.input_tokens or 0,
            output=counted.output_tokens
            if self._counted
            else max(counted.output_tokens, estimate(self._chars)),
            cache_read=counted.cache_read_input_tokens or 0,
            cache_write=counted.cache_creation_input_tokens or 0,
        )


def _connect(endpoint: Endpoint) -> "AsyncAnthropic":
    from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient, Timeout

    from agents.runtimes.gathering import gather

    transport = endpoint.transport or _offline(endpoint)
    own = {} if endpoint.is_provider else {"anthropic-version": OLD_VERSION}
    return AsyncAnthropic(
        api_key=endpoint.key or "local",  # given even where none is needed, so that none is looked for
        base_url=endpoint.url or conf.PROVIDER_URL,
        max_retries=0,
        timeout=Timeout(FIRST_TOKEN_SEC, connect=CONNECT_SEC),
        default_headers=own,
        http_client=DefaultAsyncHttpxClient(transport=transport)
        if transport
        else DefaultAsyncHttpxClient(event_hooks={"request": [], "response": [gather]}),
    )


def _offline(endpoint: Endpoint) -> "httpx2.AsyncBaseTransport | None":
    if not endpoint.is_offline:
        return None
    from agents.offline.transport import OfflineTransport

    return OfflineTransport()
