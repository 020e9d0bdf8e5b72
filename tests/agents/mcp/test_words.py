"""What goes wrong with an MCP server is told apart, and an error that it answers is an answer."""

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


def results(happened):
    return [event for event in happened if isinstance(event, ToolFinished)]


def test_a_json_rpc_error_is_the_result_of_the_call_and_the_server_is_well(ask):
    allowed(a_server(), "protest", "shout")
    happened = work(ask("call tester__protest with beer", "tester__*"))
    (result,) = results(happened)
    assert (result.is_error, result.result) == (True, "No such table: beer")
    assert McpServer.objects.get().error == ""


def test_what_a_result_links_to_is_read_along(ask):
    allowed(a_server(), "links")
    (result,) = results(work(ask("call tester__links", "tester__*")))
    assert not result.is_error
    assert "[a link to today: note://today]" in result.result
    assert "Buy milk." in result.result
    assert "[note://gone cannot be read: " in result.result


@pytest.fixture
def answers(unused_port):
    """A web server that answers every request alike."""

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
                """Say nothing."""

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
    ("status", "kind", "says"),
    [
        (401, "application/json", "It wants a sign-in (401)"),
        (403, "text/plain", "It wants a sign-in (403)"),
        (404, "text/html", "Nothing is at this path (404)"),
        (405, "text/plain", "the older SSE transport"),
        (200, "text/html", "It answered with a web page"),
        (500, "text/plain", "It cannot be used. Server returned an error response. It answered 500."),
    ],
)
def test_what_a_server_at_an_address_is_not_is_told_apart(answers, status, kind, says):
    server = answers(status, kind)
    assert says in probe.refresh(server, clock.now())
    server.refresh_from_db()
    assert says in server.error


def test_a_path_that_is_wrong_at_a_real_server(on_the_web):
    address = on_the_web.replace("/mcp", "/other")
    server = a_server(transport=McpTransport.HTTP, url=address, command="", arguments=[])
    assert "Nothing is at this path (404)" in probe.refresh(server, clock.now())


def test_a_program_that_is_not_there_is_named():
    server = a_server(command="no-such-program", arguments=[])
    told = probe.refresh(server, clock.now())
    assert told.startswith("There is no program no-such-program that can be run here.")


def test_a_tool_that_needs_a_task_of_its_own_is_unfit():
    said = {"name": "dig", "inputSchema": {"type": "object"}}
    plain = DiscoveredTool.read(said)
    task = DiscoveredTool.read(said | {"execution": {"taskSupport": "required"}})
    optional = DiscoveredTool.read(said | {"execution": {"taskSupport": "optional"}})
    assert (plain.fault, optional.fault, optional.digest) == ("", "", plain.digest)
    assert "as a task only" in task.fault
    assert task.digest != plain.digest
