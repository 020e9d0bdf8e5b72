"""Tests a server: connects, lists its tools and stores the result. For the console, the API and doctor."""

import asyncio
from datetime import datetime

from agents.mcp import discovery
from agents.mcp.errors import McpError
from agents.mcp.target import Target, resolve
from agents.mcp.tool_digest import DiscoveredTool
from agents.models import McpServer


def refresh(server: McpServer, now: datetime) -> str:
    """Update the tools of a server; return the error, or an empty string.

    Takes up to the connect timeout. Do not call it in a transaction: it would block other writers meanwhile.
    """
    try:
        tools, announced = asyncio.run(probe(resolve(server)))
    except McpError as error:
        discovery.record_failure(server.pk, error, now)
        return error.full_text
    discovery.record_tools(server.pk, tools, announced, now)
    return ""


async def probe(resolved: Target) -> tuple[list[DiscoveredTool], str]:
    """Return the tools of a server, and its name and version."""
    from agents.mcp.client import Connection  # takes seconds to import

    connection = Connection(resolved)
    try:
        tools = await connection.tools()
    except McpError as error:
        await connection.close(immediately=True)
        error.add_detail(connection.diagnostics())
        raise
    await connection.close()
    return tools, connection.announced
