"""Limits how many MCP server processes run at once (STAGENT_MCP_MAX_PROCESSES)."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agents import conf
from agents.mcp.errors import McpError

POLL_SEC = 0.05


class ProcessLimit:
    """A limit across all event loops of this process: runs, replies and pages have loops of their own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used = 0

    @asynccontextmanager
    async def slot(self, timeout_sec: float) -> AsyncIterator[None]:
        """Wait for a free slot and hold it; McpError if none becomes free in time."""
        try:
            async with asyncio.timeout(timeout_sec):
                while not self._acquire():  # noqa: ASYNC110 - another loop can release it
                    await asyncio.sleep(POLL_SEC)
        except TimeoutError:
            limit = f"STAGENT_MCP_MAX_PROCESSES is {conf.mcp_max_processes()}."
            raise McpError("Too many MCP servers are running.", limit) from None
        try:
            yield
        finally:
            with self._lock:
                self._used -= 1

    def _acquire(self) -> bool:
        with self._lock:
            free = self._used < conf.mcp_max_processes()
            self._used += free
            return free


PROCESS_LIMIT = ProcessLimit()
