"""A connection to one MCP server, owned by a task.

The context managers of `mcp` must be exited by the task that entered them. So this task opens the connection,
waits for `abort` or `close`, and closes it. Tools are called from other tasks.
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
from agents.mcp.process_limit import PROCESS_LIMIT
from agents.mcp.results import MAX_TEXT_CHARS, links_in, read, resource_text
from agents.mcp.target import Target
from agents.mcp.tool_digest import MAX_TOOLS, DiscoveredTool
from agents.states import McpTransport
from agents.tools.base import ToolError
from stagent.lib.text import clip, shorten

CLOSE_SEC = 6.0  # one second more than StdioTransport needs at most
HTTP_CLOSE_SEC = 2.0  # for the request that ends the session
CALL_GRACE_SEC = 1.0  # so that the timeout of `mcp`, with its better message, comes first
MAX_PAGES = 20
CLIENT_ERRORS = (  # messages of errors that `mcp` raises itself, not the server
    "Not Found", "Session terminated", "Server returned an error response", "Unexpected content type",
    "Failed to parse", "SSE stream ended",
)  # fmt: skip


class Connection:
    """An open connection to a server."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.announced = ""
        self._transport = stdio.StdioTransport(target) if self._is_process else http.HttpTransport(target)
        self._closing = asyncio.Event()
        self._client: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run(), name=f"MCP server {target.name}")

    async def tools(self) -> list[DiscoveredTool]:
        """Wait for the connection and list the tools; McpError if that fails or takes too long."""
        try:
            async with asyncio.timeout(self.target.connect_sec):
                client = await asyncio.shield(self._client)
                return await self._request(_list_tools(client))
        except TimeoutError:
            seconds = f"{self.target.connect_sec:g} seconds"
            raise McpError(f"It did not respond within {seconds}.") from None

    async def call(self, name: str, arguments: dict[str, Any]) -> str:
        """Call a tool and return its text; ToolError if the call failed, McpError if the server did."""
        client, seconds = self._client.result(), self.target.call_sec
        try:
            async with asyncio.timeout(seconds + CALL_GRACE_SEC):
                request = client.call_tool(name, arguments, read_timeout_seconds=seconds)
                result = await self._request(request)
                linked = [await self._read_link(client, link) for link in links_in(result)]
                return self.target.redact(read(result, linked))
        except ErrorAnswer as error:
            raise ToolError(clip(error.detail, MAX_TEXT_CHARS)) from error
        except TimeoutError:
            raise McpError(f"It did not respond within {seconds:g} seconds.") from None

    async def _read_link(self, client: Client, uri: str) -> str:
        """Read a linked resource; an error becomes part of the text, not a failure of the call."""
        try:
            return resource_text(await self._request(client.read_resource(uri)))
        except ErrorAnswer as error:
            return f"[{uri} cannot be read: {error.detail}]"

    @property
    def is_lost(self) -> bool:
        """Whether the connection has ended."""
        return self._task.done() or self._transport.ended.is_set()

    def diagnostics(self) -> str:
        """Describe for operators what the server did; complete once the connection is closed."""
        return self._transport.diagnostics()

    async def close(self, *, immediately: bool = False) -> None:
        """Close the connection and end the process with its children, even if this wait is cancelled."""
        self.abort(immediately=immediately)
        await asyncio.wait({self._task}, timeout=CLOSE_SEC if self._is_process else HTTP_CLOSE_SEC)
        self._task.cancel()

    def abort(self, *, immediately: bool = False) -> None:
        """Ask the task to close, without waiting."""
        if self._closing.is_set():
            return  # a second cancellation would interrupt the closing
        self._transport.immediately = immediately
        self._closing.set()
        if not self._client.done() or (immediately and not self._is_process):
            self._task.cancel()  # still connecting, or only ending the HTTP session

    async def _run(self) -> None:
        try:
            async with self._process_slot(), self._create_client() as client:
                self.announced = _server_name(client)
                self._client.set_result(client)
                await self._closing.wait()
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - raised again to the caller that waits
            if not self._client.done():
                self._client.set_exception(self._to_mcp_error(error))
                self._client.exception()  # mark as retrieved: there may be no caller left

    def _process_slot(self) -> AbstractAsyncContextManager[None]:
        return PROCESS_LIMIT.slot(self.target.connect_sec) if self._is_process else nullcontext()

    @property
    def _is_process(self) -> bool:
        return self.target.transport == McpTransport.STDIO

    def _create_client(self) -> Client:
        client_info = mcp_types.Implementation(name="stagent", version="1")
        return Client(
            self._transport.open(),
            client_info=client_info,
            cache=None,
            read_timeout_seconds=self.target.connect_sec,
        )

    async def _request[T](self, request: Coroutine[Any, Any, T]) -> T:
        """Run a request in a task of its own: a stop must not wait for `mcp` to give up."""
        task = asyncio.create_task(request)
        task.add_done_callback(_retrieve_exception)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise McpError("The request was interrupted.") from None
            task.cancel()
            raise
        except Exception as error:
            raise self._to_mcp_error(error) from error

    def _to_mcp_error(self, error: BaseException) -> McpError:
        """Map an error to a message for the model, and a detail without secrets for operators."""
        error = _unwrap(error)
        if isinstance(error, McpError):
            return error
        detail = self.target.redact(_error_text(error))
        if isinstance(error, MCPError) and _is_from_server(error):
            return ErrorAnswer("It returned an error.", detail)
        if self._transport.refusal:
            return McpError(self._transport.refusal, detail)
        if isinstance(error, MCPError) and error.code == REQUEST_TIMEOUT:
            return McpError("It did not respond in time.", detail)
        if self._transport.ended.is_set() or (
            isinstance(error, MCPError) and error.code == CONNECTION_CLOSED
        ):
            return ConnectionLost("The connection was lost.", detail)
        return McpError("The connection failed.", detail)


async def _list_tools(client: Client) -> list[DiscoveredTool]:
    """Load all pages of the list of tools."""
    tools: list[DiscoveredTool] = []
    cursor = None
    for _ in range(MAX_PAGES):
        page = await client.list_tools(cursor=cursor)
        tools += [
            DiscoveredTool.parse(tool.model_dump(mode="json", by_alias=True, exclude_none=True))
            for tool in page.tools
        ]
        cursor = page.next_cursor
        if cursor is None or len(tools) >= MAX_TOOLS:
            break
    return tools[:MAX_TOOLS]


def _server_name(client: Client) -> str:
    info = client.server_info
    return shorten(f"{info.name} {info.version}", 200) if info else ""


def _unwrap(error: BaseException) -> BaseException:
    """Return the first error inside nested exception groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _is_from_server(error: MCPError) -> bool:
    """Return whether the server sent this error, or `mcp` raised it for a broken response."""
    if error.code in (REQUEST_TIMEOUT, CONNECTION_CLOSED):
        return False
    return not str(error.error.message).startswith(CLIENT_ERRORS)


def _error_text(error: BaseException) -> str:
    match error:
        case MCPError():
            return str(error.error.message)
        case httpx2.HTTPError() | OSError():
            return f"{type(error).__name__}: {error}"
        case asyncio.CancelledError():
            return "The request was interrupted."
    return f"{type(error).__name__}: {error}"


def _retrieve_exception(task: asyncio.Task[Any]) -> None:
    with suppress(asyncio.CancelledError):
        task.exception()
