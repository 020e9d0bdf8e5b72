"""/api/mcp-servers"""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import ConfigDict, Field

from agents.models import McpServer, McpTool
from agents.states import McpToolState, McpTransport
from stagent.lib.api.answers import answers
from stagent.lib.api.listing import Paged, page
from stagent.lib.api.values import Id, Listed, Row, Said
from stagent.lib.problems import Problem

router = Router(tags=["agents"])
PERMISSION = "agents.view_mcpserver"
EXAMPLE: Any = {
    "id": "3", "slug": "github", "name": "GitHub", "transport": "http", "enabled": True,
    "seen_at": "2026-11-24T08:00:00Z", "error": None,
    "tools": [{"name": "search", "offered_as": "github__search", "state": "offered"}],
}  # fmt: skip


class McpToolRow(Row):
    """A tool of a server; only one whose state is offered is shown to models."""

    name: str
    offered_as: str
    state: McpToolState


class McpServerRow(Row):
    """An MCP server; how it is reached is for the console only."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    id: Id
    slug: str
    name: str
    transport: McpTransport
    enabled: bool
    seen_at: datetime | None = Field(description="When it last listed its tools.")
    error: Said = Field(description="Why it could not be used the last time it was tried.")
    tools: list[McpToolRow]


@router.get("/mcp-servers", response=answers(Listed[McpServerRow], 422))
def list_mcp_servers(request: HttpRequest, asked: Query[Paged]) -> Listed[McpServerRow]:
    """List the MCP servers with their tools, and whether those are offered."""
    if not request.user.has_perm(PERMISSION):
        raise Problem(403, "permission_denied", f"You need the permission {PERMISSION}.")
    rows = McpServer.objects.prefetch_related("tools")
    return page(request, asked, rows, lambda found: [_row(server) for server in found])


def _row(server: McpServer) -> McpServerRow:
    tools = [_tool(tool) for tool in server.tools.all()]
    plain = {name: getattr(server, name) for name in McpServerRow.model_fields if name != "tools"}
    return McpServerRow(**plain, tools=tools)


def _tool(tool: McpTool) -> McpToolRow:
    return McpToolRow(name=tool.name, offered_as=tool.offered_as, state=tool.state)
