"""/api/mcp-servers"""

from datetime import datetime
from typing import Any, Literal, cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Status
from pydantic import ConfigDict, Field

from agents.api.mcp_requests import McpServerChanges, NewMcpServer
from agents.mcp import setup
from agents.mcp.setup import Actor
from agents.models import McpServer, McpTool
from agents.models.mcp_server import TRANSPORT_FIELDS
from agents.states import McpToolState, McpTransport
from stagent.lib import clock
from stagent.lib.api.etags import with_version
from stagent.lib.api.listing import CursorQuery, paginate
from stagent.lib.api.responses import idempotency_exempt, responses
from stagent.lib.api.types import CursorPage, Id, NullableText, Row
from stagent.lib.api.versions import ExpectedVersions

router = Router(tags=["agents"])
VIEW = "view_mcpserver"
EXAMPLE: Any = {
    "id": "3", "slug": "github", "name": "GitHub", "transport": "http", "enabled": True,
    "seen_at": "2026-11-24T08:00:00Z", "error": None,
    "tools": [{"name": "search", "offered_as": "github__search", "state": "offered"}],
}  # fmt: skip

DETAIL: Any = EXAMPLE | {
    "permission": "ask", "connect_timeout_sec": 30, "call_timeout_sec": 60, "command": None,
    "arguments": None, "env": None, "url": "https://api.example.com/mcp",
    "headers": {"Authorization": "Bearer ${GITHUB_TOKEN}"},
}  # fmt: skip


class McpToolRow(Row):
    """A tool of a server. Models see only tools with the state offered."""

    name: str
    offered_as: str
    state: McpToolState


class McpServerRow(Row):
    """An MCP server without its connection."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    id: Id
    slug: str
    name: str
    transport: McpTransport
    enabled: bool
    seen_at: datetime | None = Field(description="When it last listed its tools.")
    error: NullableText = Field(description="The last error; null if the last connection succeeded.")
    tools: list[McpToolRow]


class McpServerDetail(McpServerRow):
    """An MCP server with its settings; the connection only with agents.set_up_mcpserver."""

    model_config = ConfigDict(json_schema_extra={"example": DETAIL})

    permission: Literal["ask", "allow"]
    connect_timeout_sec: int
    call_timeout_sec: int
    command: str | None = Field(description="null: not permitted, or not used by this transport.")
    arguments: list[str] | None
    env: dict[str, str] | None
    url: str | None
    headers: dict[str, str] | None


@router.get("/mcp-servers", response=responses(CursorPage[McpServerRow], 422))
def list_mcp_servers(request: HttpRequest, query: Query[CursorQuery]) -> CursorPage[McpServerRow]:
    """List MCP servers with their tools and the state of each tool."""
    _actor(request).require(VIEW)
    rows = McpServer.objects.prefetch_related("tools")
    return paginate(request, query, rows, lambda found: [McpServerRow(**_row_values(each)) for each in found])


@router.post("/mcp-servers", response=responses(McpServerDetail, 400, 422, status=201))
def create_mcp_server(
    request: HttpRequest, response: HttpResponse, body: NewMcpServer
) -> Status[McpServerDetail]:
    """Add an MCP server. Needs agents.set_up_mcpserver: its command runs on this machine."""
    server = setup.create(body.model_dump(exclude_unset=True), _actor(request))
    response["Location"] = f"{request.path}/{server.pk}"
    return Status(201, _detail(setup.find(str(server.pk)), request))


@router.get("/mcp-servers/{server_id}", response=responses(McpServerDetail, 404))
def get_mcp_server(request: HttpRequest, server_id: str) -> McpServerDetail:
    """Return an MCP server with its settings."""
    _actor(request).require(VIEW)
    server = setup.find(server_id)
    return with_version(request, _detail(server, request), setup.version(server))


@router.patch("/mcp-servers/{server_id}", response=responses(McpServerDetail, 400, 404, 422))
def update_mcp_server(request: HttpRequest, server_id: str, body: McpServerChanges) -> McpServerDetail:
    """Change the given fields, all or none. The connection needs agents.set_up_mcpserver."""
    values = body.model_dump(exclude_unset=True)
    server = setup.change(server_id, values, _actor(request), ExpectedVersions.of(request))
    return with_version(request, _detail(server, request), setup.version(server))


@router.delete("/mcp-servers/{server_id}", response=responses(None, 404, status=204))
def delete_mcp_server(request: HttpRequest, server_id: str) -> Status[None]:
    """Delete an MCP server with its tools; profiles that name them continue without."""
    setup.remove(server_id, _actor(request))
    return Status(204, None)


@router.post("/mcp-servers/{server_id}/test", response=responses(McpServerDetail, 404))
@idempotency_exempt
def test_mcp_server(request: HttpRequest, server_id: str) -> McpServerDetail:
    """Connect and list the tools. `error` is null on success."""
    return _detail(setup.test(server_id, _actor(request), clock.now()), request)


def _actor(request: HttpRequest) -> Actor:
    return Actor(cast(User, request.user), "the API")


def _row_values(server: McpServer) -> dict[str, Any]:
    tools = [_tool(tool) for tool in server.tools.all()]
    return {name: getattr(server, name) for name in McpServerRow.model_fields if name != "tools"} | {
        "tools": tools
    }


def _detail(server: McpServer, request: HttpRequest) -> McpServerDetail:
    connection = TRANSPORT_FIELDS[McpTransport(server.transport)] if _can_set_up(request) else ()
    shown = {name: getattr(server, name) for name in (*setup.LIMIT_FIELDS, *connection)}
    hidden = [name for fields in TRANSPORT_FIELDS.values() for name in fields if name not in connection]
    return McpServerDetail(**_row_values(server) | shown | dict.fromkeys(hidden))


def _can_set_up(request: HttpRequest) -> bool:
    return cast(User, request.user).has_perm(f"agents.{setup.SET_UP_PERMISSION}")


def _tool(tool: McpTool) -> McpToolRow:
    return McpToolRow(name=tool.name, offered_as=tool.offered_as, state=tool.state)
