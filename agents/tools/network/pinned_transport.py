"""A network backend that connects to exactly the address that was checked.

The check happens where the socket is opened, so it applies to the first request and to each redirect. A name
is resolved once, so DNS rebinding has no effect. TLS is verified against the host name as usual: the client
starts it on the open connection.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

import httpcore2

from agents.tools.base import ToolError
from agents.tools.network.addresses import is_public
from agents.tools.threads import in_thread

CONNECT_TIMEOUT_SEC = 10


@cache
def tls_context() -> ssl.SSLContext:
    """Load the trusted certificates once: it takes tens of milliseconds. Uses SSL_CERT_FILE if set."""
    return httpcore2.default_ssl_context()


type Resolve = Callable[[str, int], Awaitable[list[str]]]


async def resolve(host: str, port: int) -> list[str]:
    """Return the IP addresses of a host; raise ToolError if the lookup fails."""

    def getaddrinfo() -> list[Any]:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)

    try:
        results = await in_thread(getaddrinfo, name="resolve")
    except (OSError, UnicodeError) as error:
        raise ToolError(f"{host} could not be resolved.") from error
    return list(dict.fromkeys(str(item[4][0]) for item in results))


class PinnedBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections to checked addresses only."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._sockets = httpcore2.AnyIOBackend()

    async def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        """Resolve once, check every address, and connect to the first that accepts."""
        addresses = await self._resolve(host, port)
        if not addresses:
            raise ToolError(f"{host} could not be resolved.")
        if not is_allowed(host, port) and not all(map(_is_public, addresses)):
            raise ToolError(f"{host} is not a public address and is not fetched.")
        for address in addresses[:-1]:
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_SEC / len(addresses)):
                    return await self._sockets.connect_tcp(address, port, *args, **kwargs)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout, TimeoutError):
                continue
        return await self._sockets.connect_tcp(addresses[-1], port, *args, **kwargs)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def is_allowed(host: str, port: int) -> bool:
    """Return whether STAGENT_HTTP_ALLOW (host or host:port, …) permits this internal host."""
    bracketed = f"[{host}]" if ":" in host else host
    allowed = {entry.strip().lower() for entry in os.environ.get("STAGENT_HTTP_ALLOW", "").split(",")}
    return not allowed.isdisjoint({host.lower(), bracketed.lower(), f"{bracketed}:{port}".lower()})


def _is_public(address: str) -> bool:
    return is_public(address.partition("%")[0])  # without the zone id of a link-local address
