"""The transport for MCP servers that are a command on this machine; the process guard starts it.

Not the stdio client of `mcp`: that one inherits our environment, buffers lines of any length and leaves the
server running when this process is killed.
"""

import asyncio
import logging
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import mcp_types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage

from agents.mcp import process_guard
from agents.mcp.errors import McpError
from agents.mcp.target import Target
from stagent.lib.text import clip

MAX_INVALID_LINE_CHARS = 200  # shown of a line that is not a message
MAX_LINE_BYTES = 16 * 1024 * 1024  # of one message
MAX_INVALID_LINES = 200  # tolerates a banner
MAX_STDERR_BYTES = 600  # kept of the end of its standard error
GRACE_SEC = 1.0  # to exit by itself once its input is closed
KILL_SEC = 3.0

log = logging.getLogger(__name__)

type Incoming = MemoryObjectSendStream[SessionMessage | Exception]
type Outgoing = MemoryObjectReceiveStream[SessionMessage]


@dataclass
class StdioTransport:
    """The process of a server, and its diagnostics."""

    target: Target
    stderr_tail: bytes = b""
    invalid_lines: list[str] = field(default_factory=list)
    error: str = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    immediately: bool = False  # end without a grace period
    exit_code: int | None = None
    refusal: str = ""  # why it could not be started, if known

    def diagnostics(self) -> str:
        """Describe for operators how it ended and what it printed."""
        parts = [self.error]
        if self.exit_code:
            parts.append(f"It ended with exit code {self.exit_code}.")
        if self.invalid_lines:
            parts.append(
                f"{len(self.invalid_lines)} lines of its output are not messages, "
                f"such as {self.invalid_lines[0]!r}."
            )
        if stderr := " ".join(self.stderr_tail.decode("utf-8", "replace").split()):
            parts.append(f"Its last error output: {stderr}")
        return self.target.redact(" ".join(filter(None, parts)))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Any]:
        """Start the server and yield the message streams; on exit, end it and its children."""
        process, parent_pipe = await self._start()
        incoming, read_stream = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        write_stream, outgoing = anyio.create_memory_object_stream[SessionMessage](0)
        pumps = [
            asyncio.create_task(self._read_messages(process, incoming)),
            asyncio.create_task(self._write_messages(process, outgoing)),
            asyncio.create_task(self._read_stderr(process)),
        ]
        try:
            yield read_stream, write_stream
        finally:
            try:
                await self._end(process, parent_pipe)
            finally:
                for pump in pumps:
                    pump.cancel()
                for stream in (incoming, read_stream, write_stream, outgoing):
                    stream.close()

    async def _start(self) -> tuple[asyncio.subprocess.Process, int]:
        program = self.target.command[0]
        if shutil.which(program, path=self.target.env.get("PATH")) is None:
            self.refusal = f"The program {program} was not found or is not executable."
            raise McpError(self.refusal, f"PATH: {self.target.env.get('PATH')}")
        self.target.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        read_end, write_end = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                # -I -S: no path or environment variable can change the code of the guard.
                *(
                    sys.executable,
                    "-I",
                    "-S",
                    str(Path(process_guard.__file__)),
                    str(read_end),
                    *self.target.command,
                ),
                cwd=self.target.home,
                env=self.target.env,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=(read_end,),
                start_new_session=True,
                limit=MAX_LINE_BYTES,
            )
        except BaseException:
            os.close(write_end)
            raise
        finally:
            os.close(read_end)
        return process, write_end

    async def _read_messages(self, process: asyncio.subprocess.Process, incoming: Incoming) -> None:
        """Forward messages from its output until it ends or sends something invalid."""
        assert process.stdout
        try:
            while line := await process.stdout.readline():
                if message := self._parse(line):
                    await incoming.send(message)
        except ValueError:
            self.error = f"It sent a message longer than {MAX_LINE_BYTES:,} bytes."
        except (McpError, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError) as error:
            self.error = str(error)
        finally:
            self.ended.set()
            incoming.close()  # wakes requests that wait for a response

    def _parse(self, line: bytes) -> SessionMessage | None:
        try:
            return SessionMessage(mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False))
        except ValueError:
            if text := line.decode("utf-8", "replace").strip():
                self.invalid_lines.append(clip(text, MAX_INVALID_LINE_CHARS))
        if len(self.invalid_lines) > MAX_INVALID_LINES:
            raise McpError("Its output is not the Model Context Protocol.")
        return None

    async def _write_messages(self, process: asyncio.subprocess.Process, outgoing: Outgoing) -> None:
        assert process.stdin
        with suppress(OSError, anyio.ClosedResourceError):
            async for outgoing_message in outgoing:
                text = outgoing_message.message.model_dump_json(by_alias=True, exclude_unset=True)
                process.stdin.write(text.encode() + b"\n")
                await process.stdin.drain()

    async def _read_stderr(self, process: asyncio.subprocess.Process) -> None:
        """Read its standard error and keep the end: a server blocks if nobody reads it."""
        assert process.stderr
        while chunk := await process.stderr.read(65_536):
            self.stderr_tail = (self.stderr_tail + chunk)[-MAX_STDERR_BYTES:]

    async def _end(self, process: asyncio.subprocess.Process, parent_pipe: int) -> None:
        """Close its input, give it time to exit, then close `parent_pipe`, even if cancelled."""
        try:
            if process.stdin:
                process.stdin.close()
            await _wait_for_exit(process, 0 if self.immediately else GRACE_SEC)
        finally:
            os.close(parent_pipe)
        if not await _wait_for_exit(process, KILL_SEC):
            log.warning("Guard process of the MCP server %s killed: it did not exit.", self.target.name)
            with suppress(ProcessLookupError):
                process.kill()
        self.exit_code = process.returncode
        # asyncio keeps the pipes open while another process holds the other ends, and has no public close.
        process._transport.close()  # type: ignore[attr-defined]


async def _wait_for_exit(process: asyncio.subprocess.Process, seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            # Not process.wait(): it also waits for other processes that hold a pipe.
            while process.returncode is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    return process.returncode is not None
