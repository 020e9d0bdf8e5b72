"""Pages are fetched from public addresses only, over a connection to the checked address."""

import ssl

import httpcore2
import pytest

from agents.tools.base import ToolError
from agents.tools.network import fetch, pinned_transport
from tests.agents.certificates import issue
from tests.agents.web import FakeResolver, fetch_error, fetch_text

# -- allowed addresses


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://example.org/", "gopher://x/", "example.org", "//x/", "http://", "data:,x"],
)
async def test_only_http_and_https_are_fetched(url):
    assert await fetch_error(url) == "Only http:// and https:// URLs are fetched."


@pytest.mark.parametrize(
    "url", ["http://user@example.org/", "http://user:secret@example.org/", "http://:secret@example.org/"]
)
async def test_credentials_in_an_address_are_refused_and_not_repeated(url):
    assert await fetch_error(url) == "URLs with a user name or password are not fetched."


@pytest.mark.parametrize("url", ["http://[::1/", "http://a\0b/", "http://example.org:x/"])
async def test_an_invalid_url_is_an_error(url):
    assert "Invalid URL" in await fetch_error(url)


@pytest.mark.parametrize("port", [0, 65_536, 99_999])
async def test_a_port_that_does_not_exist_is_refused(port):
    assert await fetch_error(f"http://example.org:{port}/") == f"Invalid port: {port}."


PLAIN = ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1", "0", "169.254.169.254", "10.1.2.3"]
SIX = ["[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[fe80::1]", "[64:ff9b::7f00:1]"]
ODD = [
    "localhost.",
    "0177.0.0.1",
    "１２７.0.0.1",
    "①②⑦.0.0.1",
    "127.0.0.1\\@example.org",
    "127.0.0.1%00.example.org",
]


@pytest.mark.parametrize("host", PLAIN + SIX)
async def test_this_machine_and_its_neighbours_are_refused_however_they_are_written(host):
    assert "is not a public address" in await fetch_error(f"http://{host}/")


@pytest.mark.parametrize("host", ODD)
async def test_odd_ways_to_write_this_machine_are_refused(host):
    await fetch_error(f"http://{host}/")


async def test_a_name_of_an_internal_address_is_refused():
    with pytest.raises(ToolError, match=r"intranet\.example is not a public address"):
        await fetch.fetch("http://intranet.example/", resolve=FakeResolver("192.168.0.7"))


async def test_a_name_with_one_internal_address_among_public_ones_is_refused():
    with pytest.raises(ToolError, match="not a public address"):
        await fetch.fetch("http://mixed.example/", resolve=FakeResolver("93.184.215.14", "10.0.0.1"))


async def test_a_name_without_addresses_is_not_found():
    with pytest.raises(ToolError, match="could not be resolved"):
        await fetch.fetch("http://nowhere.example/", resolve=FakeResolver())
    assert await fetch_error("http://nowhere.invalid/") == "nowhere.invalid could not be resolved."


async def test_the_operator_can_permit_an_internal_host_by_name_and_port(server):
    assert "hello" in await fetch_text(server.page("/", "hello"))


async def test_permission_for_one_port_is_not_permission_for_another(server, monkeypatch):
    monkeypatch.setenv("STAGENT_HTTP_ALLOW", "127.0.0.1:1")
    assert "not a public address" in await fetch_error(server.page("/", "hello"))
    assert server.requests == []


@pytest.mark.parametrize("allow", ["127.0.0.1", " 127.0.0.1 ,x", "LOCALHOST,127.0.0.1"])
async def test_permission_can_be_for_every_port(server, monkeypatch, allow):
    monkeypatch.setenv("STAGENT_HTTP_ALLOW", allow)
    assert "hello" in await fetch_text(server.page("/", "hello"))


def test_permission_for_an_ipv6_host_is_written_with_or_without_brackets(monkeypatch):
    for allow in ("::1", "[::1]", "[::1]:80"):
        monkeypatch.setenv("STAGENT_HTTP_ALLOW", allow)
        assert pinned_transport.is_allowed("::1", 80)
    assert not pinned_transport.is_allowed("::1", 81)


def test_nothing_is_permitted_by_default(monkeypatch):
    for nothing in ("", " ", ",", "*"):
        monkeypatch.setenv("STAGENT_HTTP_ALLOW", nothing)
        assert not pinned_transport.is_allowed("localhost", 80)


# -- the connection


class Sockets(httpcore2.AnyIOBackend):
    """Records the addresses instead of connecting to them."""

    def __init__(self) -> None:
        self.opened: list[str] = []

    async def connect_tcp(self, host: str, *args: object, **kwargs: object) -> httpcore2.AsyncNetworkStream:
        self.opened.append(host)
        raise httpcore2.ConnectError("not here")


async def test_a_name_is_resolved_once_and_exactly_that_address_is_connected_to():
    """DNS rebinding answers the second lookup differently; there is no second lookup."""
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])
    asked = []

    async def rebinding(host, port):
        asked.append(host)
        return next(answers)

    backend = pinned_transport.PinnedBackend(rebinding)
    backend._sockets = sockets = Sockets()
    with pytest.raises(httpcore2.ConnectError):
        await backend.connect_tcp("rebinding.example", 80)
    assert (asked, sockets.opened) == (["rebinding.example"], ["93.184.215.14"])


async def test_every_address_of_a_name_is_tried_in_turn():
    backend = pinned_transport.PinnedBackend(FakeResolver("93.184.215.14", "93.184.215.15"))
    backend._sockets = sockets = Sockets()
    with pytest.raises(httpcore2.ConnectError):
        await backend.connect_tcp("two.example", 80)
    assert sockets.opened == ["93.184.215.14", "93.184.215.15"]


async def test_the_server_gets_the_name_and_not_the_address(server, monkeypatch):
    server.page("/", "hello")
    monkeypatch.setenv("STAGENT_HTTP_ALLOW", "named.example")
    resolve = FakeResolver("127.0.0.1")
    page = await fetch.fetch(f"http://Named.Example:{server.server_port}/", resolve=resolve)
    assert page.body == b"hello"
    assert server.requests == [("/", f"named.example:{server.server_port}")]
    assert resolve.hosts == ["named.example"]


async def test_a_certificate_is_checked_against_the_name(server, monkeypatch, tmp_path):
    authority, chain = issue(tmp_path, "right.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    monkeypatch.setenv("STAGENT_HTTP_ALLOW", "right.example,wrong.example")
    pinned_transport.tls_context.cache_clear()
    try:
        server.page("/", "over TLS")
        url = f"https://right.example:{server.server_port}/"
        assert (await fetch.fetch(url, resolve=FakeResolver("127.0.0.1"))).body == b"over TLS"
        with pytest.raises(ToolError, match="CERTIFICATE_VERIFY_FAILED"):
            await fetch.fetch(url.replace("right", "wrong"), resolve=FakeResolver("127.0.0.1"))
    finally:
        pinned_transport.tls_context.cache_clear()


async def test_proxies_of_the_environment_are_not_used(server, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert "hello" in await fetch_text(server.page("/", "hello"))
