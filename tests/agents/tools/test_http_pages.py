"""Responses of the web: redirects, text, and responses that are not text."""

import gzip
import socket
import subprocess
import sys
import zlib
from dataclasses import replace

import pytest

from agents.tools import invoke
from agents.tools.base import ToolContext, ToolError
from agents.tools.network import fetch
from agents.tools.network.http_get import HTTP_GET
from tests.agents.web import FakeResolver, fetch_error, fetch_text

# -- redirects


async def test_a_redirect_is_followed_and_the_last_url_is_returned(server):
    url = server.page("/old", status=301, Location="/new#part")
    server.page("/new", "moved here")
    text = await fetch_text(url)
    assert text.startswith(f"http://127.0.0.1:{server.server_port}/new (200, text/plain)")
    assert text.endswith("moved here")


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:1/", "http://[::1]/"]
)
async def test_a_redirect_to_an_internal_address_is_refused(server, target):
    assert "is not a public address" in await fetch_error(server.page("/", status=302, Location=target))


async def test_a_redirect_to_a_name_of_an_internal_address_is_refused(server, monkeypatch):
    monkeypatch.setenv("STAGENT_HTTP_ALLOW", "first.example")
    server.page("/", status=302, Location="http://second.example/")
    with pytest.raises(ToolError, match=r"second\.example is not a public address"):
        await fetch.fetch(f"http://first.example:{server.server_port}/", resolve=FakeResolver("127.0.0.1"))


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.org/", "javascript:alert(1)"])
async def test_a_redirect_to_something_else_than_a_web_page_is_refused(server, target):
    assert "Only http:// and https://" in await fetch_error(server.page("/", status=307, Location=target))


async def test_a_redirect_with_credentials_is_refused(server):
    url = server.page("/", status=302, Location=f"http://user:secret@127.0.0.1:{server.server_port}/x")
    assert "user name or password" in await fetch_error(url)


async def test_a_redirect_to_an_invalid_url_is_refused(server):
    assert "Invalid URL" in await fetch_error(server.page("/", status=302, Location="http://[bad"))


async def test_five_redirects_are_followed_and_a_sixth_is_not(server):
    for step in range(6):
        server.page(f"/{step}", status=302, Location=f"/{step + 1}")
    server.page("/6", "the end")
    assert "the end" in await fetch_text(f"http://127.0.0.1:{server.server_port}/1")
    assert (
        await fetch_error(f"http://127.0.0.1:{server.server_port}/0")
        == "The URL redirects more than 5 times."
    )


# -- responses


async def test_html_is_converted_to_text(server):
    url = server.page(
        "/", "<title>T</title><p>Hello <a href=/x>you</a>", Content_Type="text/html; charset=utf-8"
    )
    assert (await fetch_text(url)).endswith(
        f"(200, text/html)\n\nT\n\nHello you <http://127.0.0.1:{server.server_port}/x>"
    )


async def test_json_is_returned_unchanged(server):
    assert (await fetch_text(server.page("/", '{"a": 1}', Content_Type="application/json"))).endswith(
        '\n\n{"a": 1}'
    )


@pytest.mark.parametrize(
    "kind", ["image/png", "application/octet-stream", "application/pdf", "video/mp4", "application/zip"]
)
async def test_a_binary_content_type_is_refused(server, kind):
    assert f"with {kind}, which is not text" in await fetch_error(server.page("/", "x", Content_Type=kind))


async def test_binary_content_is_refused(server):
    assert "is not text" in await fetch_error(server.page("/", b"MZ\0\0"))


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("text/plain; charset=iso-8859-1", b"Gr\xfc\xdfe", "Grüße"),
        ("text/html", b'<meta charset="windows-1252"><p>Gr\xfc\xdfe', "Grüße"),
        ("text/plain; charset=utf-8", "Grüße".encode(), "Grüße"),
        ("text/plain; charset=zlib", "Grüße".encode(), "Grüße"),
        ("text/plain; charset=no-such", b"Gr\xfc", "Gr\ufffd"),
        ("text/plain", b"charset=big5 Gr\xc3\xbc", "charset=big5 Grü"),
    ],
)
async def test_the_encoding_is_the_declared_one_or_utf_8(server, kind, body, text):
    assert (await fetch_text(server.page("/", body, Content_Type=kind))).endswith(text)


async def test_an_error_page_is_an_error_with_its_text(server):
    text = await fetch_error(server.page("/", "out of order " * 1000, status=503))
    assert text.startswith(f"http://127.0.0.1:{server.server_port}/ returned status 503.\n\nout of order")
    assert len(text) < 2200


async def test_a_long_response_is_cut_with_a_note(server):
    url = server.page("/", "x" * 5000)
    assert (await fetch_text(url, max_bytes=10)).endswith("\n\nxxxxxxxxxx\n[cut after 10 bytes]")
    assert (await fetch_text(url, max_bytes=5000)).endswith("x")


async def test_no_more_than_a_mebibyte_is_read(server):
    server.page("/", b"x" * 3_000_000)
    page = await fetch.fetch(f"http://127.0.0.1:{server.server_port}/")
    assert (len(page.body), page.is_cut) == (1024 * 1024, True)


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("GZIP", gzip.compress)]
)
async def test_a_compressed_response_is_decompressed(server, encoding, pack):
    url = server.page("/", pack(b"packed " * 1000), Content_Encoding=encoding)
    assert (await fetch_text(url)).endswith("packed " * 1000)


async def test_a_small_response_does_not_expand_to_a_huge_one(server):
    url = server.page("/", gzip.compress(b"x" * 50_000_000), Content_Encoding="gzip")
    page = await fetch.fetch(url)
    assert (len(page.body), page.is_cut) == (1024 * 1024, True)


async def test_a_broken_or_unknown_encoding_is_refused(server):
    assert "could not be decompressed" in await fetch_error(
        server.page("/", b"not gzip", Content_Encoding="gzip")
    )
    assert "unsupported content encoding (br)" in await fetch_error(
        server.page("/", b"x", Content_Encoding="br")
    )


async def test_a_truncated_response_is_an_error(server):
    assert "could not be read" in await fetch_error(
        server.page("/", "half", Content_Length="100", Connection="close")
    )


async def test_an_unreachable_server_is_an_error(monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        monkeypatch.setenv("STAGENT_HTTP_ALLOW", f"127.0.0.1:{port}")
        assert "127.0.0.1 could not be read" in await fetch_error(f"http://127.0.0.1:{port}/")


async def test_a_server_that_never_responds_times_out(server):
    impatient = replace(HTTP_GET, timeout_sec=0.1)
    url = f"http://127.0.0.1:{server.server_port}/hang"
    result = await invoke.call(impatient, ToolContext(), {"url": url})
    assert result.is_error
    assert result.text == "http_get timed out after 0.1 seconds."


def test_the_tools_are_imported_without_django_and_without_the_network_packages():
    program = (
        "import sys, agents.tools.builtin as b, agents.tools.invoke; b.register();"
        "sys.exit(', '.join({'django', 'httpx2', 'httpcore2', 'anthropic'} & set(sys.modules)) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
