"""How many servers one process may have running at once: each is a process of its own, or a few."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agents import conf
from agents.mcp.errors import McpError

GLANCE_SEC = 0.05


class ProcessLimit:
    """Counted over all event loops of this process: runs, replies and pages have each their own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = 0

    @asynccontextmanager
    async def one(self, patience_sec: float) -> AsyncIterator[None]:
        """Take a place, waiting for one; McpError where none becomes free in time."""
        try:
            async with asyncio.timeout(patience_sec):
                while not self._take():  # noqa: ASYNC110 - who gives back may be on another loop
                    await asyncio.sleep(GLANCE_SEC)
        except TimeoutError:
            bound = f"STAGENT_MCP_MAX_PROCESSES is {conf.mcp_max_processes()}."
            raise McpError("Too many servers are running at the moment.", bound) from None
        try:
            yield
        finally:
            with self._lock:
                self._taken -= 1

    def _take(self) -> bool:
        with self._lock:
            free = self._taken < conf.mcp_max_processes()
            self._taken += free
            return free


PLACES = ProcessLimit()
