"""Checks MCP servers by connecting to each."""

from collections.abc import Iterator
from datetime import datetime

from agents.mcp import probe
from agents.models import McpServer
from agents.states import McpToolState
from stagent.ops.health import Finding, Level

PATIENCE_SEC = 15  # at most, however long a run would wait
PART = "MCP server"


def mcp_servers(now: datetime) -> Iterator[Finding]:
    """Test every enabled server."""
    for server in McpServer.objects.filter(enabled=True):
        server.connect_timeout_sec = min(server.connect_timeout_sec, PATIENCE_SEC)
        wrong = probe.refresh(server, now)
        yield Finding(PART, Level.FAIL, f"{server.slug}: {wrong}") if wrong else _answers(server)


def _answers(server: McpServer) -> Finding:
    states = [tool.state for tool in server.tools.all()]
    says = f"{server.slug}: answers, {states.count(McpToolState.OFFERED)} of {len(states)} tools offered"
    if changed := states.count(McpToolState.CHANGED):
        return Finding(PART, Level.WARN, f"{says}, {changed} changed since they were allowed")
    return Finding(PART, Level.OK, says)
