"""A web server on this machine, a resolver that says what it is told, and two ways to fetch."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from agents.tools import invoke
from agents.tools.base import ToolContext
from agents.tools.network.http_get import HTTP_GET


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
    protocol_version = "HTTP/1.1"  # connections are kept open

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


class Answering:
    """A resolver that gives these addresses, whatever it is asked, and notes what that was."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.asked: list[str] = []

    async def __call__(self, host: str, _port: int) -> list[str]:
        self.asked.append(host)
        return self.addresses


async def get(url: str, **more) -> str:
    result = await invoke.call(HTTP_GET, ToolContext(), {"url": url, **more})
    assert not result.is_error, result.text
    return result.text


async def refused(url: str, **more) -> str:
    result = await invoke.call(HTTP_GET, ToolContext(), {"url": url, **more})
    assert result.is_error, result.text
    return result.text
