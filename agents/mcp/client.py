"""One conversation with a server, held by a task of its own.

The package's scopes have to be left by the task that entered them, so that task opens, waits to be told that
nobody needs it any more, and closes. Whoever calls a tool does it from their own.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import Any

import httpx2
import mcp_types
from mcp import Client, MCPError
from mcp_types import CONNECTION_CLOSED, REQUEST_TIMEOUT

from agents.mcp import http, stdio
from agents.mcp.errors import ConnectionLost, ErrorAnswer, McpError
from agents.mcp.process_limit import PLACES
from agents.mcp.results import ENOUGH_CHARS, links_in, read, resource_text
from agents.mcp.target import Target
from agents.mcp.tool_digest import MOST_TOOLS, DiscoveredTool
from agents.states import McpTransport
from agents.tools.base import ToolError
from stagent.lib.text import clip, shorten

CLOSE_SEC = 6.0  # a second more than an orderly end may take
GOODBYE_SEC = 2.0  # to tell a server at an address that its session is over
CALL_GRACE_SEC = 1.0  # for the package's own limit, which says more, to come first
MOST_PAGES = 20
MADE_BY_THE_PACKAGE = (
    "Not Found", "Session terminated", "Server returned an error response", "Unexpected content type",
    "Failed to parse", "SSE stream ended",
)  # fmt: skip


class Connection:
    """A server as long as somebody needs it."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.announced = ""
        self._wire = stdio.StdioTransport(target) if self._is_process else http.HttpTransport(target)
        self._leave = asyncio.Event()
        self._client: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._hold(), name=f"MCP server {target.name}")

    async def tools(self) -> list[DiscoveredTool]:
        """Wait until it is there and list its tools; McpError where that fails or takes too long."""
        try:
            async with asyncio.timeout(self.target.connect_sec):
                client = await asyncio.shield(self._client)
                return await self._within(_listed(client))
        except TimeoutError:
            seconds = f"{self.target.connect_sec:g} seconds"
            raise McpError(f"It did not answer within {seconds}.") from None

    async def call(self, name: str, arguments: dict[str, Any]) -> str:
        """Call a tool and give its text; ToolError where the call failed, McpError where the server did."""
        client, seconds = self._client.result(), self.target.call_sec
        try:
            async with asyncio.timeout(seconds + CALL_GRACE_SEC):
                asked = client.call_tool(name, arguments, read_timeout_seconds=seconds)
                result = await self._within(asked)
                linked = [await self._linked(client, link) for link in links_in(result)]
                return self.target.conceal(read(result, linked))
        except ErrorAnswer as error:
            raise ToolError(clip(error.detail, ENOUGH_CHARS)) from error
        except TimeoutError:
            raise McpError(f"It did not answer within {seconds:g} seconds.") from None

    async def _linked(self, client: Client, uri: str) -> str:
        """Read what a result links to; where that fails the link says why, and the call is no failure."""
        try:
            return resource_text(await self._within(client.read_resource(uri)))
        except ErrorAnswer as error:
            return f"[{uri} cannot be read: {error.detail}]"

    @property
    def is_lost(self) -> bool:
        """Whether nothing more will come."""
        return self._task.done() or self._wire.ended.is_set()

    def account(self) -> str:
        """Say for the operators what its process did and said; all of it is known once it is closed."""
        return self._wire.account()

    async def close(self, *, hurry: bool = False) -> None:
        """End it, a process with all it started; also where the wait for that is cut short."""
        self.abort(hurry=hurry)
        await asyncio.wait({self._task}, timeout=CLOSE_SEC if self._is_process else GOODBYE_SEC)
        self._task.cancel()

    def abort(self, *, hurry: bool = False) -> None:
        """Ask the task to close."""
        if self._leave.is_set():
            return  # a second cancellation would reach into the closing
        self._wire.hurried = hurry
        self._leave.set()
        if not self._client.done() or (hurry and not self._is_process):
            self._task.cancel()  # it is still on its way in, or would only say goodbye

    async def _hold(self) -> None:
        try:
            async with self._place(), self._made() as client:
                self.announced = _announced(client)
                self._client.set_result(client)
                await self._leave.wait()
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - whoever waits is told what it was
            if not self._client.done():
                self._client.set_exception(self._explained(error))
                self._client.exception()  # looked at: nobody may be waiting any more

    def _place(self) -> AbstractAsyncContextManager[None]:
        return PLACES.one(self.target.connect_sec) if self._is_process else nullcontext()

    @property
    def _is_process(self) -> bool:
        return self.target.transport == McpTransport.STDIO

    def _made(self) -> Client:
        us = mcp_types.Implementation(name="stagent", version="1")
        return Client(
            self._wire.open(), client_info=us, cache=None, read_timeout_seconds=self.target.connect_sec
        )

    async def _within[T](self, asking: Coroutine[Any, Any, T]) -> T:
        """Ask in a task of its own: a stop must not wait for the package to give up, which takes seconds."""
        task = asyncio.create_task(asking)
        task.add_done_callback(_look_at)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise McpError("It broke off.") from None
            task.cancel()
            raise
        except Exception as error:
            raise self._explained(error) from error

    def _explained(self, error: BaseException) -> McpError:
        """Say what went wrong, without what the server must not be believed or trusted with."""
        error = _first(error)
        if isinstance(error, McpError):
            return error
        said = self.target.conceal(_said(error))
        if isinstance(error, MCPError) and _is_answer(error):
            return ErrorAnswer("It answered with an error.", said)
        if self._wire.refusal:
            return McpError(self._wire.refusal, said)
        if isinstance(error, MCPError) and error.code == REQUEST_TIMEOUT:
            return McpError("It did not answer in time.", said)
        if self._wire.ended.is_set() or (isinstance(error, MCPError) and error.code == CONNECTION_CLOSED):
            return ConnectionLost("It went away.", said)
        return McpError("It cannot be used.", said)


async def _listed(client: Client) -> list[DiscoveredTool]:
    """Ask for all pages of the list of tools."""
    found: list[DiscoveredTool] = []
    cursor = None
    for _ in range(MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        found += [
            DiscoveredTool.read(tool.model_dump(mode="json", by_alias=True, exclude_none=True))
            for tool in page.tools
        ]
        cursor = page.next_cursor
        if cursor is None or len(found) >= MOST_TOOLS:
            break
    return found[:MOST_TOOLS]


def _announced(client: Client) -> str:
    info = client.server_info
    return shorten(f"{info.name} {info.version}", 200) if info else ""


def _first(error: BaseException) -> BaseException:
    """Find the error inside of the groups that task groups make."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _is_answer(error: MCPError) -> bool:
    """Tell what the server answered from what the package makes of a broken or foreign answer."""
    if error.code in (REQUEST_TIMEOUT, CONNECTION_CLOSED):
        return False
    return not str(error.error.message).startswith(MADE_BY_THE_PACKAGE)


def _said(error: BaseException) -> str:
    match error:
        case MCPError():
            return str(error.error.message)
        case httpx2.HTTPError() | OSError():
            return f"{type(error).__name__}: {error}"
        case asyncio.CancelledError():
            return "It broke off."
    return f"{type(error).__name__}: {error}"


def _look_at(task: asyncio.Task[Any]) -> None:
    with suppress(asyncio.CancelledError):
        task.exception()
