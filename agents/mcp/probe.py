"""Try a server now: connect, list its tools, write down what was found. For pages and the doctor."""

import asyncio
from datetime import datetime

from agents.mcp import discovery
from agents.mcp.errors import McpError
from agents.mcp.target import Target, target
from agents.mcp.tool_digest import DiscoveredTool
from agents.models import McpServer


def refresh(server: McpServer, now: datetime) -> str:
    """Find out which tools a server has now; return what went wrong, empty where nothing did.

    Takes as long as its timeout at worst. Not for a transaction: nobody else could write meanwhile.
    """
    try:
        found, announced = asyncio.run(probe(target(server)))
    except McpError as error:
        discovery.record_failure(server.pk, error, now)
        return error.whole
    discovery.record_tools(server.pk, found, announced, now)
    return ""


async def probe(whom: Target) -> tuple[list[DiscoveredTool], str]:
    """List the tools of a server, and what it calls itself."""
    from agents.mcp.client import Connection  # takes seconds to import

    connection = Connection(whom)
    try:
        found = await connection.tools()
    except McpError as error:
        await connection.close(hurry=True)
        error.add(connection.account())
        raise
    await connection.close()
    return found, connection.announced
