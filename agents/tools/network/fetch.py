"""Fetches a page of the public web; every redirect is checked."""

# http_get imports this module on first use: its packages (from the SDK) are slow to import.
from __future__ import annotations

import zlib
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from urllib.parse import urljoin

import httpcore2
import httpx2

from agents.tools.base import ToolError
from agents.tools.network.pinned_transport import PinnedBackend, Resolve, resolve, tls_context
from agents.tools.threads import in_thread

MAX_BYTES = 1024 * 1024
MAX_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
TIMEOUTS_SEC = {"connect": 10.0, "read": 15.0, "write": 10.0, "pool": 10.0}
HEADERS = {
    "User-Agent": "Stagent (http_get)",
    "Accept": "text/*, application/json, */*;q=0.1",
    "Accept-Encoding": "gzip",
}


@dataclass(frozen=True)
class Page:
    """An HTTP response; the body is cut to the requested size."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes
    is_cut: bool

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


async def fetch(url: str, max_bytes: int = MAX_BYTES, resolve: Resolve = resolve) -> Page:
    """GET a URL and follow redirects; raise ToolError if an address is refused or a request fails."""
    target = _parse(url)
    context = await in_thread(tls_context, name="tls")
    # A bare pool, not a client: no proxies, cookies, credentials or decoding from the environment.
    async with httpcore2.AsyncConnectionPool(context, network_backend=PinnedBackend(resolve)) as pool:
        for _ in range(MAX_REDIRECTS + 1):
            page = await _get(pool, target, max_bytes)
            if page.status not in REDIRECTS or "location" not in page.headers:
                return page
            target = _parse(page.headers["location"], base=page.url)
    raise ToolError(f"The URL redirects more than {MAX_REDIRECTS} times.")


def _parse(url: str, base: str = "") -> httpx2.URL:
    """Parse and check a URL once; the connection uses the same parsed URL."""
    try:
        parsed = httpx2.URL(urljoin(base, url.strip()))
    except (httpx2.InvalidURL, ValueError) as error:
        raise ToolError(f"Invalid URL: {error}.") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ToolError("Only http:// and https:// URLs are fetched.")
    if parsed.port is not None and not 0 < parsed.port < 65_536:
        raise ToolError(f"Invalid port: {parsed.port}.")
    if parsed.userinfo:
        raise ToolError("URLs with a user name or password are not fetched.")
    return parsed.copy_with(fragment=None)


async def _get(pool: httpcore2.AsyncConnectionPool, url: httpx2.URL, max_bytes: int) -> Page:
    target = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    headers_sent: list[tuple[bytes | str, bytes | str]] = [("Host", url.netloc), *HEADERS.items()]
    try:
        async with pool.stream(
            "GET", target, headers=headers_sent, extensions={"timeout": TIMEOUTS_SEC}
        ) as response:
            headers = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
            }
            body, is_cut = await _body(response.aiter_stream(), headers, max_bytes)
            return Page(str(url), response.status, headers, body, is_cut)
    except httpcore2.TimeoutException as error:
        raise ToolError(f"{url.host} did not respond in time.") from error
    except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
        raise ToolError(f"{url.host} could not be read: {error or type(error).__name__}.") from error


async def _body(chunks: AsyncIterable[bytes], headers: dict[str, str], max_bytes: int) -> tuple[bytes, bool]:
    """Read and decompress up to max_bytes; a small response cannot expand to a huge one."""
    decompress = _decompressor(headers.get("content-encoding", "identity").strip().lower())
    body = b""
    received = 0
    async for chunk in chunks:
        received += len(chunk)
        body += decompress(chunk, max_bytes + 1 - len(body))
        if len(body) > max_bytes or received > MAX_BYTES:
            return body[:max_bytes], True
    return body, False


def _decompressor(encoding: str) -> Callable[[bytes, int], bytes]:
    if encoding in ("", "identity"):
        return lambda chunk, limit: chunk[:limit]
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise ToolError(f"The response has an unsupported content encoding ({encoding}).")
    stream = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, by its header

    def decompress(chunk: bytes, limit: int) -> bytes:
        try:
            return stream.decompress(chunk, limit)
        except zlib.error as error:
            raise ToolError(f"The response could not be decompressed: {error}.") from error

    return decompress
