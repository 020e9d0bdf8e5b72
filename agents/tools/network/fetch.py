"""One page of the public web, fetched with every hop checked."""

# Imported late (see http_get): the SDK brings these packages, and importing them takes a while.
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
    """An answer as it came, its body cut to what was asked for."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes
    is_cut: bool

    @property
    def kind(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


async def fetch(url: str, max_bytes: int = MAX_BYTES, resolve: Resolve = resolve) -> Page:
    """GET an address and go where redirects lead; raise ToolError where one is refused or fails."""
    target = _checked(url)
    trusted = await in_thread(tls_context, name="tls")
    # Made by hand, not with a client: no proxies, cookies, credentials or decoding come in from elsewhere.
    async with httpcore2.AsyncConnectionPool(trusted, network_backend=PinnedBackend(resolve)) as pool:
        for _ in range(MAX_REDIRECTS + 1):
            page = await _get(pool, target, max_bytes)
            if page.status not in REDIRECTS or "location" not in page.headers:
                return page
            target = _checked(page.headers["location"], base=page.url)
    raise ToolError(f"The address redirects more than {MAX_REDIRECTS} times.")


def _checked(url: str, base: str = "") -> httpx2.URL:
    """Parse an address once, for the checks and for the connection alike."""
    try:
        parsed = httpx2.URL(urljoin(base, url.strip()))
    except (httpx2.InvalidURL, ValueError) as error:
        raise ToolError(f"That is not an address: {error}.") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ToolError("Only http:// and https:// addresses are fetched.")
    if parsed.port is not None and not 0 < parsed.port < 65_536:
        raise ToolError(f"There is no port {parsed.port}.")
    if parsed.userinfo:
        raise ToolError("Addresses with a user name or password are not fetched.")
    return parsed.copy_with(fragment=None)


async def _get(pool: httpcore2.AsyncConnectionPool, url: httpx2.URL, max_bytes: int) -> Page:
    target = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    sent: list[tuple[bytes | str, bytes | str]] = [("Host", url.netloc), *HEADERS.items()]
    try:
        async with pool.stream("GET", target, headers=sent, extensions={"timeout": TIMEOUTS_SEC}) as answer:
            headers = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers
            }
            body, is_cut = await _body(answer.aiter_stream(), headers, max_bytes)
            return Page(str(url), answer.status, headers, body, is_cut)
    except httpcore2.TimeoutException as error:
        raise ToolError(f"{url.host} did not answer in time.") from error
    except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
        raise ToolError(f"{url.host} could not be read: {error or type(error).__name__}.") from error


async def _body(chunks: AsyncIterable[bytes], headers: dict[str, str], max_bytes: int) -> tuple[bytes, bool]:
    """Read up to max_bytes, unpacked with a bound, so that a small answer cannot become a huge one."""
    unpack = _unpacker(headers.get("content-encoding", "identity").strip().lower())
    body = b""
    received = 0
    async for chunk in chunks:
        received += len(chunk)
        body += unpack(chunk, max_bytes + 1 - len(body))
        if len(body) > max_bytes or received > MAX_BYTES:
            return body[:max_bytes], True
    return body, False


def _unpacker(encoding: str) -> Callable[[bytes, int], bytes]:
    if encoding in ("", "identity"):
        return lambda chunk, room: chunk[:room]
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise ToolError(f"The answer is packed in a way that is not understood ({encoding}).")
    stream = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, by its header

    def unpack(chunk: bytes, room: int) -> bytes:
        try:
            return stream.decompress(chunk, room)
        except zlib.error as error:
            raise ToolError(f"The answer is packed badly: {error}.") from error

    return unpack
