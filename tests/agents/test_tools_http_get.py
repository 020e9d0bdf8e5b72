"""Fetching pages: public ones only, over a connection that goes where the check looked."""

import gzip
import socket
import ssl
import subprocess
import sys
import threading
import zlib
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpcore2
import pytest

from agents.tools import calls, fetching, pinned
from agents.tools.base import ToolContext, ToolError
from agents.tools.http_get import HTTP_GET
from tests.agents.certificates import issue


class Server(ThreadingHTTPServer):
    """A web server on this machine that answers what a test says."""

    daemon_threads = True

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.hold = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)

    def page(self, path: str, body: bytes | str = b"", status: int = 200, **headers: str) -> str:
        """Put a page at a path; give its address."""
        raw = body.encode() if isinstance(body, str) else body
        self.pages[path] = (status, {"Content-Type": "text/plain", **headers}, raw)
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Host"]))
        if self.path == "/hang":
            self.server.hold.wait()
        status, headers, body = self.server.pages.get(
            self.path, (404, {"Content-Type": "text/plain"}, b"no such page")
        )
        self.send_response(status)
        for name, value in (
            {"Content-Length": str(len(body))} | {n.replace("_", "-"): v for n, v in headers.items()}
        ).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch):
    with Server() as server:
        monkeypatch.setenv("STAGENT_HTTP_ALLOW", f"other.example, 127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.hold.set()
        server.shutdown()


class Answering:
    """A resolver that gives these addresses, whatever it is asked, and notes what that was."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.asked: list[str] = []

    async def __call__(self, host: str, _port: int) -> list[str]:
        self.asked.append(host)
        return self.addresses


async def get(url: str, **more) -> str:
    result = await calls.call(HTTP_GET, ToolContext(), {"url": url, **more})
    assert not result.is_error, result.text
    return result.text


async def refused(url: str, **more) -> str:
    result = await calls.call(HTTP_GET, ToolContext(), {"url": url, **more})
    assert result.is_error, result.text
    return result.text


# -- which addresses


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://example.org/", "gopher://x/", "example.org", "//x/", "http://", "data:,x"],
)
async def test_only_http_and_https_are_fetched(url):
    assert await refused(url) == "Only http:// and https:// addresses are fetched."


@pytest.mark.parametrize(
    "url", ["http://user@example.org/", "http://user:secret@example.org/", "http://:secret@example.org/"]
)
async def test_credentials_in_an_address_are_refused_and_not_repeated(url):
    assert await refused(url) == "Addresses with a user name or password are not fetched."


@pytest.mark.parametrize("url", ["http://[::1/", "http://a\0b/", "http://example.org:x/"])
async def test_what_is_no_address_is_told(url):
    assert "not an address" in await refused(url)


@pytest.mark.parametrize("port", [0, 65_536, 99_999])
async def test_a_port_that_does_not_exist_is_refused(port):
    assert await refused(f"http://example.org:{port}/") == f"There is no port {port}."


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
    assert "is not a public address" in await refused(f"http://{host}/")


@pytest.mark.parametrize("host", ODD)
async def test_stranger_ways_to_write_this_machine_lead_nowhere(host):
    await refused(f"http://{host}/")


async def test_a_name_that_means_an_internal_address_is_refused():
    with pytest.raises(ToolError, match=r"intranet\.example is not a public address"):
        await fetching.fetch("http://intranet.example/", resolve=Answering("192.168.0.7"))


async def test_a_name_with_one_internal_address_among_public_ones_is_refused():
    with pytest.raises(ToolError, match="not a public address"):
        await fetching.fetch("http://mixed.example/", resolve=Answering("93.184.215.14", "10.0.0.1"))


async def test_a_name_without_addresses_is_not_found():
    with pytest.raises(ToolError, match="could not be found"):
        await fetching.fetch("http://nowhere.example/", resolve=Answering())
    assert await refused("http://nowhere.invalid/") == "nowhere.invalid could not be found."


async def test_the_operator_may_permit_an_internal_host_by_name_and_port(server):
    assert "hello" in await get(server.page("/", "hello"))


async def test_permission_for_one_port_is_not_permission_for_another(server, monkeypatch):
    monkeypatch.setenv("STAGENT_HTTP_ALLOW", "127.0.0.1:1")
    assert "not a public address" in await refused(server.page("/", "hello"))
    assert server.asked == []


@pytest.mark.parametrize("allow", ["127.0.0.1", " 127.0.0.1 ,x", "LOCALHOST,127.0.0.1"])
async def test_permission_may_be_for_every_port(server, monkeypatch, allow):
    monkeypatch.setenv("STAGENT_HTTP_ALLOW", allow)
    assert "hello" in await get(server.page("/", "hello"))


def test_permission_for_an_ipv6_host_is_written_with_or_without_brackets(monkeypatch):
    for allow in ("::1", "[::1]", "[::1]:80"):
        monkeypatch.setenv("STAGENT_HTTP_ALLOW", allow)
        assert pinned.is_allowed("::1", 80)
    assert not pinned.is_allowed("::1", 81)


def test_nothing_is_permitted_where_nothing_is_said(monkeypatch):
    for nothing in ("", " ", ",", "*"):
        monkeypatch.setenv("STAGENT_HTTP_ALLOW", nothing)
        assert not pinned.is_allowed("localhost", 80)


# -- where the connection goes


class Sockets(httpcore2.AnyIOBackend):
    """Stands where the network begins: notes the address instead of connecting to it."""

    def __init__(self) -> None:
        self.opened: list[str] = []

    async def connect_tcp(self, host: str, *args: object, **kwargs: object) -> httpcore2.AsyncNetworkStream:
        self.opened.append(host)
        raise httpcore2.ConnectError("not here")


async def test_a_name_is_looked_up_once_and_that_very_address_is_connected_to():
    """DNS rebinding answers the second question differently; there is no second question."""
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])
    asked = []

    async def rebinding(host, port):
        asked.append(host)
        return next(answers)

    backend = pinned.PinnedBackend(rebinding)
    backend._sockets = sockets = Sockets()
    with pytest.raises(httpcore2.ConnectError):
        await backend.connect_tcp("rebinding.example", 80)
    assert (asked, sockets.opened) == (["rebinding.example"], ["93.184.215.14"])


async def test_every_address_of_a_name_is_tried_in_turn():
    backend = pinned.PinnedBackend(Answering("93.184.215.14", "93.184.215.15"))
    backend._sockets = sockets = Sockets()
    with pytest.raises(httpcore2.ConnectError):
        await backend.connect_tcp("two.example", 80)
    assert sockets.opened == ["93.184.215.14", "93.184.215.15"]


async def test_the_server_is_told_the_name_and_not_the_address(server, monkeypatch):
    server.page("/", "hello")
    monkeypatch.setenv("STAGENT_HTTP_ALLOW", "named.example")
    resolve = Answering("127.0.0.1")
    page = await fetching.fetch(f"http://Named.Example:{server.server_port}/", resolve=resolve)
    assert page.body == b"hello"
    assert server.asked == [("/", f"named.example:{server.server_port}")]
    assert resolve.asked == ["named.example"]


async def test_a_certificate_is_checked_against_the_name(server, monkeypatch, tmp_path):
    authority, chain = issue(tmp_path, "right.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    monkeypatch.setenv("STAGENT_HTTP_ALLOW", "right.example,wrong.example")
    pinned.tls_context.cache_clear()
    try:
        server.page("/", "over TLS")
        url = f"https://right.example:{server.server_port}/"
        assert (await fetching.fetch(url, resolve=Answering("127.0.0.1"))).body == b"over TLS"
        with pytest.raises(ToolError, match="CERTIFICATE_VERIFY_FAILED"):
            await fetching.fetch(url.replace("right", "wrong"), resolve=Answering("127.0.0.1"))
    finally:
        pinned.tls_context.cache_clear()


async def test_proxies_of_the_environment_are_not_used(server, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert "hello" in await get(server.page("/", "hello"))


# -- redirects


async def test_a_redirect_is_followed_and_the_last_address_is_told(server):
    url = server.page("/old", status=301, Location="/new#part")
    server.page("/new", "moved here")
    text = await get(url)
    assert text.startswith(f"http://127.0.0.1:{server.server_port}/new (200, text/plain)")
    assert text.endswith("moved here")


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:1/", "http://[::1]/"]
)
async def test_a_redirect_to_an_internal_address_is_refused(server, target):
    assert "is not a public address" in await refused(server.page("/", status=302, Location=target))


async def test_a_redirect_to_a_name_that_means_an_internal_address_is_refused(server, monkeypatch):
    monkeypatch.setenv("STAGENT_HTTP_ALLOW", "first.example")
    server.page("/", status=302, Location="http://second.example/")
    with pytest.raises(ToolError, match=r"second\.example is not a public address"):
        await fetching.fetch(f"http://first.example:{server.server_port}/", resolve=Answering("127.0.0.1"))


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.org/", "javascript:alert(1)"])
async def test_a_redirect_to_something_else_than_a_web_page_is_refused(server, target):
    assert "Only http:// and https://" in await refused(server.page("/", status=307, Location=target))


async def test_a_redirect_with_credentials_is_refused(server):
    url = server.page("/", status=302, Location=f"http://user:secret@127.0.0.1:{server.server_port}/x")
    assert "user name or password" in await refused(url)


async def test_a_redirect_to_nonsense_is_refused(server):
    assert "not an address" in await refused(server.page("/", status=302, Location="http://[bad"))


async def test_five_redirects_are_followed_and_a_sixth_is_not(server):
    for step in range(6):
        server.page(f"/{step}", status=302, Location=f"/{step + 1}")
    server.page("/6", "the end")
    assert "the end" in await get(f"http://127.0.0.1:{server.server_port}/1")
    assert (
        await refused(f"http://127.0.0.1:{server.server_port}/0")
        == "The address redirects more than 5 times."
    )


# -- what comes back


async def test_html_is_given_as_readable_text(server):
    url = server.page(
        "/", "<title>T</title><p>Hello <a href=/x>you</a>", Content_Type="text/html; charset=utf-8"
    )
    assert (await get(url)).endswith(
        f"(200, text/html)\n\nT\n\nHello you <http://127.0.0.1:{server.server_port}/x>"
    )


async def test_json_is_given_as_it_is(server):
    assert (await get(server.page("/", '{"a": 1}', Content_Type="application/json"))).endswith('\n\n{"a": 1}')


@pytest.mark.parametrize(
    "kind", ["image/png", "application/octet-stream", "application/pdf", "video/mp4", "application/zip"]
)
async def test_what_is_not_text_is_refused_by_its_type(server, kind):
    assert f"with {kind}, which is not text" in await refused(server.page("/", "x", Content_Type=kind))


async def test_what_is_not_text_is_refused_by_its_bytes(server):
    assert "is not text" in await refused(server.page("/", b"MZ\0\0"))


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("text/plain; charset=iso-8859-1", b"Gr\xfc\xdfe", "Grüße"),
        ("text/html", b'<meta charset="windows-1252"><p>Gr\xfc\xdfe', "Grüße"),
        ("text/plain; charset=utf-8", "Grüße".encode(), "Grüße"),
        ("text/plain; charset=zlib", "Grüße".encode(), "Grüße"),
        ("text/plain; charset=no-such", b"Gr\xfc", "Gr\ufffd"),
        ("text/plain", b"charset=big5 Gr\xc3\xbc", "charset=big5 Grü"),
    ],
)
async def test_the_encoding_is_what_the_answer_says_else_utf_8(server, kind, body, said):
    assert (await get(server.page("/", body, Content_Type=kind))).endswith(said)


async def test_an_error_page_is_an_error_with_its_text(server):
    text = await refused(server.page("/", "out of order " * 1000, status=503))
    assert text.startswith(f"http://127.0.0.1:{server.server_port}/ answered 503.\n\nout of order")
    assert len(text) < 2200


async def test_a_long_answer_is_cut_and_says_so(server):
    url = server.page("/", "x" * 5000)
    assert (await get(url, max_bytes=10)).endswith("\n\nxxxxxxxxxx\n[cut here, after 10 bytes]")
    assert (await get(url, max_bytes=5000)).endswith("x")


async def test_no_more_than_a_mebibyte_is_read(server):
    server.page("/", b"x" * 3_000_000)
    page = await fetching.fetch(f"http://127.0.0.1:{server.server_port}/")
    assert (len(page.body), page.is_cut) == (1024 * 1024, True)


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("GZIP", gzip.compress)]
)
async def test_a_packed_answer_is_unpacked(server, encoding, pack):
    url = server.page("/", pack(b"packed " * 1000), Content_Encoding=encoding)
    assert (await get(url)).endswith("packed " * 1000)


async def test_a_small_answer_does_not_unpack_into_a_huge_one(server):
    url = server.page("/", gzip.compress(b"x" * 50_000_000), Content_Encoding="gzip")
    page = await fetching.fetch(url)
    assert (len(page.body), page.is_cut) == (1024 * 1024, True)


async def test_an_answer_packed_badly_or_unknown_is_refused(server):
    assert "packed badly" in await refused(server.page("/", b"not gzip", Content_Encoding="gzip"))
    assert "not understood (br)" in await refused(server.page("/", b"x", Content_Encoding="br"))


async def test_an_answer_that_breaks_off_is_an_error_and_not_a_page(server):
    assert "could not be read" in await refused(server.page("/", "half", Content_Length="100"))


async def test_a_server_that_is_away_is_told(monkeypatch):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        monkeypatch.setenv("STAGENT_HTTP_ALLOW", f"127.0.0.1:{port}")
        assert "127.0.0.1 could not be read" in await refused(f"http://127.0.0.1:{port}/")


async def test_a_server_that_never_answers_is_given_up(server):
    impatient = replace(HTTP_GET, timeout_sec=0.1)
    url = f"http://127.0.0.1:{server.server_port}/hang"
    result = await calls.call(impatient, ToolContext(), {"url": url})
    assert result.is_error
    assert result.text == "http_get was not done after 0.1 seconds."


def test_the_tools_are_imported_without_django_and_without_the_network_packages():
    program = (
        "import sys, agents.tools.builtin as b, agents.tools.calls; b.register();"
        "sys.exit(', '.join({'django', 'httpx2', 'httpcore2', 'anthropic'} & set(sys.modules)) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
