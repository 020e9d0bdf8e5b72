"""A local web server, a fake resolver, and helpers to fetch pages."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from agents.tools import invoke
from agents.tools.base import ToolContext
from agents.tools.network.http_get import HTTP_GET


class Server(ThreadingHTTPServer):
    """A local web server with the pages of a test."""

    daemon_threads = True

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.requests: list[tuple[str, str | None]] = []
        self.hold = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)

    def page(self, path: str, body: bytes | str = b"", status: int = 200, **headers: str) -> str:
        """Add a page and return its URL."""
        raw = body.encode() if isinstance(body, str) else body
        self.pages[path] = (status, {"Content-Type": "text/plain", **headers}, raw)
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"  # connections are kept open

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers["Host"]))
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


class FakeResolver:
    """A resolver that returns these addresses for every host and records the hosts."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.hosts: list[str] = []

    async def __call__(self, host: str, _port: int) -> list[str]:
        self.hosts.append(host)
        return self.addresses


async def fetch_text(url: str, **more) -> str:
    result = await invoke.call(HTTP_GET, ToolContext(), {"url": url, **more})
    assert not result.is_error, result.text
    return result.text


async def fetch_error(url: str, **more) -> str:
    result = await invoke.call(HTTP_GET, ToolContext(), {"url": url, **more})
    assert result.is_error, result.text
    return result.text
