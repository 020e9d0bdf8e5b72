"""A server that is a command on this machine: started under a keeper, spoken to a line at a time.

Not the package's own client: that one inherits variables of ours, holds a line of any length in memory and
leaves the server running when this process is killed.
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

LONGEST_GARBAGE = 200  # characters that are shown of a line that is no message
LONGEST_LINE = 16 * 1024 * 1024  # bytes of one message
MOST_GARBAGE = 200  # lines that are no messages; a banner is forgiven
KEPT_WORDS = 600  # bytes of what it said last on its standard error
GRACE_SEC = 1.0  # to end by itself once its input is closed
KILL_SEC = 3.0

log = logging.getLogger("agents.mcp")

type Incoming = MemoryObjectSendStream[SessionMessage | Exception]
type Outgoing = MemoryObjectReceiveStream[SessionMessage]


@dataclass
class StdioTransport:
    """A server's process, and what can be said of how it went."""

    target: Target
    last_words: bytes = b""
    garbage: list[str] = field(default_factory=list)
    trouble: str = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    hurried: bool = False  # no grace: whoever asked was told to stop
    code: int | None = None
    refusal: str = ""  # why nobody is there, where that is known

    def account(self) -> str:
        """Say for the operators what it did and said."""
        parts = [self.trouble]
        if self.code:
            parts.append(f"It ended with exit code {self.code}.")
        if self.garbage:
            parts.append(
                f"{len(self.garbage)} lines of its output are no messages, such as {self.garbage[0]!r}."
            )
        if said := " ".join(self.last_words.decode("utf-8", "replace").split()):
            parts.append(f"Its last words: {said}")
        return self.target.conceal(" ".join(filter(None, parts)))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Any]:
        """Start the server and yield the streams of its messages; leaving ends it and all it started."""
        process, tether = await self._start()
        incoming, read_stream = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        write_stream, outgoing = anyio.create_memory_object_stream[SessionMessage](0)
        pumps = [
            asyncio.create_task(self._listen(process, incoming)),
            asyncio.create_task(self._speak(process, outgoing)),
            asyncio.create_task(self._overhear(process)),
        ]
        try:
            yield read_stream, write_stream
        finally:
            try:
                await self._end(process, tether)
            finally:
                for pump in pumps:
                    pump.cancel()
                for stream in (incoming, read_stream, write_stream, outgoing):
                    stream.close()

    async def _start(self) -> tuple[asyncio.subprocess.Process, int]:
        program = self.target.command[0]
        if shutil.which(program, path=self.target.env.get("PATH")) is None:
            self.refusal = f"There is no program {program} that can be run here."
            raise McpError(self.refusal, f"PATH: {self.target.env.get('PATH')}")
        self.target.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        theirs, ours = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                # Isolated: nothing on its path or in its environment may decide what the keeper is.
                *(
                    sys.executable,
                    "-I",
                    "-S",
                    str(Path(process_guard.__file__)),
                    str(theirs),
                    *self.target.command,
                ),
                cwd=self.target.home,
                env=self.target.env,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=(theirs,),
                start_new_session=True,
                limit=LONGEST_LINE,
            )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        return process, ours

    async def _listen(self, process: asyncio.subprocess.Process, incoming: Incoming) -> None:
        """Pass on the messages it sends, until it ends or says what cannot be borne."""
        assert process.stdout
        try:
            while line := await process.stdout.readline():
                if message := self._read(line):
                    await incoming.send(message)
        except ValueError:
            self.trouble = f"It sent a message longer than {LONGEST_LINE:,} bytes."
        except (McpError, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError) as error:
            self.trouble = str(error)
        finally:
            self.ended.set()
            incoming.close()  # whoever waits for an answer is told that there will be none

    def _read(self, line: bytes) -> SessionMessage | None:
        try:
            return SessionMessage(mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False))
        except ValueError:
            if text := line.decode("utf-8", "replace").strip():
                self.garbage.append(clip(text, LONGEST_GARBAGE))
        if len(self.garbage) > MOST_GARBAGE:
            raise McpError("It talks, but not the Model Context Protocol.")
        return None

    async def _speak(self, process: asyncio.subprocess.Process, outgoing: Outgoing) -> None:
        assert process.stdin
        with suppress(OSError, anyio.ClosedResourceError):
            async for said in outgoing:
                text = said.message.model_dump_json(by_alias=True, exclude_unset=True)
                process.stdin.write(text.encode() + b"\n")
                await process.stdin.drain()

    async def _overhear(self, process: asyncio.subprocess.Process) -> None:
        """Read what it complains of: a server whose complaints nobody reads stands still."""
        assert process.stderr
        while heard := await process.stderr.read(65_536):
            self.last_words = (self.last_words + heard)[-KEPT_WORDS:]

    async def _end(self, process: asyncio.subprocess.Process, tether: int) -> None:
        """Close its input and let it go, then cut the tether; no `await` may keep the tether from that."""
        try:
            if process.stdin:
                process.stdin.close()
            await _ended(process, 0 if self.hurried else GRACE_SEC)
        finally:
            os.close(tether)
        if not await _ended(process, KILL_SEC):
            log.warning("The keeper of the MCP server %s would not end; it is killed.", self.target.name)
            with suppress(ProcessLookupError):
                process.kill()
        self.code = process.returncode
        # asyncio keeps the pipes open while anybody holds their other ends, and has no other way to close.
        process._transport.close()  # type: ignore[attr-defined]


async def _ended(process: asyncio.subprocess.Process, seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            # Not process.wait(): that one waits for everybody who holds a pipe, too.
            while process.returncode is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    return process.returncode is not None
