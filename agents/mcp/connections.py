"""The MCP connections of one run or reply: opened on the first tool call, closed when it ends."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agents.mcp import discovery
from agents.mcp.errors import ConnectionLost, McpError
from agents.mcp.target import resolve
from agents.models import McpServer
from agents.tools.base import ToolError
from agents.tools.threads import in_thread
from stagent.lib import clock
from stagent.lib.db.async_db import db_sync_to_async

if TYPE_CHECKING:
    from agents.mcp.client import Connection

MAX_FAILURES = 2  # failed or lost connections; then the server is not used for the rest of the run

log = logging.getLogger(__name__)


@dataclass
class ServerConnection:
    """The state of one server in this run."""

    server: McpServer
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    connection: "Connection | None" = None
    digests: dict[str, str] = field(default_factory=dict)  # of its current tools
    failures: int = 0


class Connections:
    """The connections of one run, opened on demand and closed together."""

    def __init__(self) -> None:
        self._servers: dict[int, ServerConnection] = {}

    async def call(self, server: McpServer, name: str, digest: str, arguments: dict[str, Any]) -> str:
        """Call a tool in its allowed version; every failure is a ToolError for the model."""
        state = self._servers.setdefault(server.pk, ServerConnection(server))
        try:
            connection = await self._connection(state)
            if state.digests.get(name) != digest:
                raise ToolError(
                    f"The MCP server {server.name} has changed or removed this tool since it was allowed. "
                    "A person has to review it first. Continue without it."
                )
            return await connection.call(name, arguments)
        except McpError as error:
            await self._record_failure(state, error)
            raise ToolError(f"The MCP server {server.name} failed. {error}") from error

    async def close(self, *, immediately: bool = False) -> None:
        """Close all connections; the processes have ended when this returns."""
        connections = [state.connection for state in self._servers.values() if state.connection]
        for connection in connections:
            connection.abort(immediately=immediately)  # first, in case the wait is cancelled
        await asyncio.gather(*(connection.close(immediately=immediately) for connection in connections))

    async def _connection(self, state: ServerConnection) -> "Connection":
        async with state.lock:
            if state.connection and not state.connection.is_lost:
                return state.connection
            await self._drop(state)
            if state.failures >= MAX_FAILURES:
                raise ToolError(
                    f"The MCP server {state.server.name} failed repeatedly and is not used for the rest of "
                    "this run. Continue without it."
                )
            return await self._open(state)

    async def _open(self, state: ServerConnection) -> "Connection":
        resolved = resolve(state.server)
        client = await in_thread(_import_client, name="mcp")  # its import would block the loop for seconds
        connection: Connection = client.Connection(resolved)
        state.connection = connection
        tools = await connection.tools()
        state.digests = {each.name: each.digest for each in tools}
        # clock.now() can query the database, so it runs in the thread, too.
        await db_sync_to_async(
            lambda: discovery.record_tools(resolved.pk, tools, connection.announced, clock.now())
        )
        return connection

    async def _drop(self, state: ServerConnection) -> str:
        """Close the connection and return its diagnostics."""
        connection, state.connection, state.digests = state.connection, None, {}
        if connection is None:
            return ""
        await connection.close(immediately=True)
        return connection.diagnostics()

    async def _record_failure(self, state: ServerConnection, error: McpError) -> None:
        """Record an error, and count failed or lost connections."""
        if not state.digests or isinstance(error, ConnectionLost):
            state.failures += 1
            error.add_detail(await self._drop(state))
        log.warning("MCP server %s failed: %s", state.server.name, error.full_text)
        with suppress(Exception):  # recording must not cause another failure
            await db_sync_to_async(lambda: discovery.record_failure(state.server.pk, error, clock.now()))


def _import_client() -> Any:
    from agents.mcp import client

    return client
