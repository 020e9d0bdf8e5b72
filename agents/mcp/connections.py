"""The servers of one run or reply: reached when a tool of theirs is first called, left when it ends."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agents.mcp import discovery
from agents.mcp.errors import ConnectionLost, McpError
from agents.mcp.target import target
from agents.models import McpServer
from agents.tools.base import ToolError
from agents.tools.threads import in_thread
from stagent.lib import clock
from stagent.lib.db.from_async import db_sync_to_async

if TYPE_CHECKING:
    from agents.mcp.client import Connection

MOST_FAILURES = 2  # to reach a server, or lost connections; then a run leaves it alone

log = logging.getLogger("agents.mcp")


@dataclass
class ServerConnection:
    """One server as far as this run is concerned."""

    server: McpServer
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    connection: "Connection | None" = None
    digests: dict[str, str] = field(default_factory=dict)  # of its tools as it lists them now
    failures: int = 0


class Connections:
    """Opened one by one, closed together."""

    def __init__(self) -> None:
        self._lines: dict[int, ServerConnection] = {}

    async def call(self, server: McpServer, name: str, digest: str, arguments: dict[str, Any]) -> str:
        """Call a tool as it was allowed; whatever goes wrong is a ToolError for the model."""
        line = self._lines.setdefault(server.pk, ServerConnection(server))
        try:
            connection = await self._reach(line)
            if line.digests.get(name) != digest:
                raise ToolError(
                    f"{server.name} describes this tool in other words than when it was allowed, or not "
                    "at all any more. A person has to look at it first; go on without."
                )
            return await connection.call(name, arguments)
        except McpError as error:
            await self._note(line, error)
            raise ToolError(f"The MCP server {server.name} failed. {error}") from error

    async def close(self, *, hurry: bool = False) -> None:
        """Leave all servers; their processes are gone when this returns."""
        open_ones = [line.connection for line in self._lines.values() if line.connection]
        for connection in open_ones:
            connection.abort(hurry=hurry)  # first of all, in case the wait is cut short
        await asyncio.gather(*(connection.close(hurry=hurry) for connection in open_ones))

    async def _reach(self, line: ServerConnection) -> "Connection":
        async with line.lock:
            if line.connection and not line.connection.is_lost:
                return line.connection
            await self._drop(line)
            if line.failures >= MOST_FAILURES:
                says = "keeps failing, so it is left alone for the rest of this run. Go on without it."
                raise ToolError(f"The MCP server {line.server.name} {says}")
            return await self._open(line)

    async def _open(self, line: ServerConnection) -> "Connection":
        whom = target(line.server)
        client = await in_thread(_client, name="mcp")  # its import would stop the loop for seconds
        connection: Connection = client.Connection(whom)
        line.connection = connection
        found = await connection.tools()
        line.digests = {each.name: each.digest for each in found}
        # The clock may ask the database, too, so it is read over there.
        await db_sync_to_async(
            lambda: discovery.record_tools(whom.pk, found, connection.announced, clock.now())
        )
        return connection

    async def _drop(self, line: ServerConnection) -> str:
        """Leave a server; return what there is to say of how it went."""
        connection, line.connection, line.digests = line.connection, None, {}
        if connection is None:
            return ""
        await connection.close(hurry=True)
        return connection.account()

    async def _note(self, line: ServerConnection, error: McpError) -> None:
        """Keep what went wrong; a server that keeps failing is not tried for ever."""
        if not line.digests or isinstance(error, ConnectionLost):
            line.failures += 1
            error.add(await self._drop(line))
        log.warning("MCP server %s: %s", line.server.name, error.whole)
        with suppress(Exception):  # a note about trouble must not make more of it
            await db_sync_to_async(lambda: discovery.record_failure(line.server.pk, error, clock.now()))


def _client() -> Any:
    from agents.mcp import client

    return client
