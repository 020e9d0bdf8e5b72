"""Run a shell command in the workspace; only where a profile says so.

This bounds a command (its time, its output, its environment), it does not confine one: a command can do
whatever the account of the scheduler can. There are no patterns of allowed commands, because a shell
sees more in a line than a pattern does (`git *` also fits `git status; rm -rf ~`).
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from io import FileIO
from pathlib import Path

from agents.tools.base import Arguments, Tool, ToolContext, ToolError

TIMEOUT_SEC = 60
MAX_TIMEOUT_SEC = 600
HALF = 20_000  # bytes kept of the beginning and of the end of the output
DRAIN_SEC = 1.0
PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")


async def shell(context: ToolContext, arguments: Arguments) -> str:
    """Run a command to its end and give its output and exit code."""
    seconds = arguments.get("timeout_sec", TIMEOUT_SEC)
    folder = _folder(context)
    output = Output()
    async with _pipe() as (stream, writable):
        reading = asyncio.create_task(output.read(stream))
        process = await _start(arguments["command"], folder, writable)
        try:
            async with asyncio.timeout(seconds):
                code = await process.wait()
            _kill(process)  # what the command left running in the background goes with it
            await asyncio.wait([reading], timeout=DRAIN_SEC)
        except TimeoutError:
            raise ToolError(f"The command was stopped after {seconds} seconds.\n{output}".rstrip()) from None
        finally:
            reading.cancel()
            if process.returncode is None:  # else its number may already be somebody else's
                _kill(process)
                await process.wait()
    return f"{output}\n[exit code {code}]".lstrip()


class Output:
    """Keeps the beginning and the end of what a command prints, and counts the rest."""

    def __init__(self) -> None:
        self._head = b""
        self._tail = b""
        self._left_out = 0

    async def read(self, stream: asyncio.StreamReader) -> None:
        """Read until the end, however much it is: a command that nobody reads stands still."""
        while chunk := await stream.read(65_536):
            self._add(chunk)

    def _add(self, chunk: bytes) -> None:
        room = HALF - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        excess = max(0, len(self._tail) - HALF)
        self._tail, self._left_out = self._tail[excess:], self._left_out + excess

    def __str__(self) -> str:
        gap = f"\n[{self._left_out:,} bytes left out]\n".encode() if self._left_out else b""
        return (self._head + gap + self._tail).decode("utf-8", "replace").rstrip("\n")


def environment(workspace: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """Make an environment that holds none of our secrets: a few names are passed on, nothing else."""
    passed_on = {name: inherited[name] for name in PASSED_ON if name in inherited}
    return {"PATH": os.defpath, **passed_on, "HOME": str(workspace), "PWD": str(workspace), "TERM": "dumb"}


def _folder(context: ToolContext) -> Path:
    if context.workspace is None or not context.workspace.is_dir():
        raise ToolError("There is no workspace here: commands need a project with a folder.")
    return context.workspace


@asynccontextmanager
async def _pipe() -> AsyncIterator[tuple[asyncio.StreamReader, FileIO]]:
    """Open a pipe of our own for the output.

    With one of asyncio's, waiting for the command would also wait for everybody who holds the other end,
    and `sleep 600 &` does.
    """
    numbers = os.pipe()
    stream = asyncio.StreamReader()
    with os.fdopen(numbers[0], "rb", 0) as readable, os.fdopen(numbers[1], "wb", 0) as writable:
        protocol = asyncio.StreamReaderProtocol(stream)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, readable)
        try:
            yield stream, writable
        finally:
            transport.close()


async def _start(command: str, folder: Path, output: FileIO) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            command,
            cwd=folder,
            env=environment(folder, os.environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # a group of its own, so that all of it can be stopped
        )
    finally:
        output.close()  # ours; the output ends when the command's own copies are closed


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS answers the second for a group of zombies
        os.killpg(process.pid, signal.SIGKILL)


SHELL = Tool(
    name="shell",
    description=(
        "Run a command with /bin/sh in the workspace and read what it prints. It gets no input, "
        "and everything it started is stopped when it ends."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "command": {"type": "string", "minLength": 1, "maxLength": 20_000},
            "timeout_sec": {
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_TIMEOUT_SEC,
                "description": f"Stop it after so long; {TIMEOUT_SEC} if left out.",
            },
        },
        "required": ["command"],
        "additionalProperties": False,
    },
    call=shell,
    blocking=False,
    timeout_sec=MAX_TIMEOUT_SEC + 10,
    permission="deny",
    asks_each_time=True,  # leave for one command says nothing about the next
)
