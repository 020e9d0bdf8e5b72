"""Error messages of MCP servers; a JSON-RPC error is a result."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from agents.mcp import probe
from agents.mcp.tool_digest import DiscoveredTool
from agents.models import McpServer
from agents.protocol.events import ToolFinished
from agents.states import McpTransport
from stagent.lib import clock
from tests.agents.conftest import MakeAssignment, work
from tests.support.mcp_servers import a_server, allowed

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(assign: MakeAssignment):
    return lambda prompt, *tools: assign(prompt, tools=[*tools], runtime="anthropic")


def results(events):
    return [event for event in events if isinstance(event, ToolFinished)]


def test_a_json_rpc_error_is_the_result_of_the_call_and_not_a_failure_of_the_server(ask):
    allowed(a_server(), "protest", "shout")
    events = work(ask("call tester__protest with beer", "tester__*"))
    (result,) = results(events)
    assert (result.is_error, result.result) == (True, "No such table: beer")
    assert McpServer.objects.get().error == ""


def test_linked_resources_are_read(ask):
    allowed(a_server(), "links")
    (result,) = results(work(ask("call tester__links", "tester__*")))
    assert not result.is_error
    assert "[link to today: note://today]" in result.result
    assert "Buy milk." in result.result
    assert "[note://gone cannot be read: " in result.result


@pytest.fixture
def fixed_response(unused_port):
    """A web server that returns the same response to every request."""

    def serve(status, kind="application/json", body=b"{}"):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_DELETE = answer  # noqa: N815

            def log_message(self, *_):
                """Suppress the log."""

        server = HTTPServer(("127.0.0.1", unused_port), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return a_server(
            transport=McpTransport.HTTP, url=f"http://127.0.0.1:{unused_port}/sse", command="", arguments=[]
        )

    servers: list[HTTPServer] = []
    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (401, "application/json", "It requires authentication (401)"),
        (403, "text/plain", "It requires authentication (403)"),
        (404, "text/html", "It does not exist at this path (404)"),
        (405, "text/plain", "the older SSE transport"),
        (200, "text/html", "It returned a web page"),
        (500, "text/plain", "The connection failed. Server returned an error response. HTTP status 500."),
    ],
)
def test_a_url_that_is_not_an_mcp_server_has_a_message_of_its_own(fixed_response, status, kind, message):
    server = fixed_response(status, kind)
    assert message in probe.refresh(server, clock.now())
    server.refresh_from_db()
    assert message in server.error


def test_a_wrong_path_of_a_real_server(http_server_url):
    address = http_server_url.replace("/mcp", "/other")
    server = a_server(transport=McpTransport.HTTP, url=address, command="", arguments=[])
    assert "It does not exist at this path (404)" in probe.refresh(server, clock.now())


def test_a_missing_program_is_named():
    server = a_server(command="no-such-program", arguments=[])
    error = probe.refresh(server, clock.now())
    assert error.startswith("The program no-such-program was not found or is not executable.")


def test_a_tool_that_requires_a_task_is_invalid():
    entry = {"name": "dig", "inputSchema": {"type": "object"}}
    plain = DiscoveredTool.parse(entry)
    task = DiscoveredTool.parse(entry | {"execution": {"taskSupport": "required"}})
    optional = DiscoveredTool.parse(entry | {"execution": {"taskSupport": "optional"}})
    assert (plain.fault, optional.fault, optional.digest) == ("", "", plain.digest)
    assert "as a task (taskSupport" in task.fault
    assert task.digest != plain.digest
