"""The tool that runs a shell command in the workspace; denied unless a profile permits it.

It limits a command (time, output, environment) but does not sandbox it: a command can do everything that the
account of the scheduler process can. There are no patterns of allowed commands, because a shell interprets
more than a pattern matches (`git *` also matches `git status; rm -rf ~`).
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
OUTPUT_HALF_BYTES = 20_000  # kept of the beginning and of the end of the output
DRAIN_SEC = 1.0
INHERITED_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")


async def shell(context: ToolContext, arguments: Arguments) -> str:
    """Run a command and return its output and exit code."""
    seconds = arguments.get("timeout_sec", TIMEOUT_SEC)
    folder = _folder(context)
    output = Output()
    async with _pipe() as (stream, writable):
        reader = asyncio.create_task(output.read(stream))
        process = await _start(arguments["command"], folder, writable)
        try:
            async with asyncio.timeout(seconds):
                code = await process.wait()
            _kill(process)  # and its background processes
            await asyncio.wait([reader], timeout=DRAIN_SEC)
        except TimeoutError:
            raise ToolError(
                f"The command timed out after {seconds} seconds and was stopped.\n{output}".rstrip()
            ) from None
        finally:
            reader.cancel()
            if process.returncode is None:  # otherwise another process can have its pid by now
                _kill(process)
                await process.wait()
    return f"{output}\n[exit code {code}]".lstrip()


class Output:
    """The beginning and the end of a command's output, and the number of bytes omitted in between."""

    def __init__(self) -> None:
        self._head = b""
        self._tail = b""
        self._omitted = 0

    async def read(self, stream: asyncio.StreamReader) -> None:
        """Read to the end, regardless of the size: a command blocks if its output is not read."""
        while chunk := await stream.read(65_536):
            self._add(chunk)

    def _add(self, chunk: bytes) -> None:
        remaining = OUTPUT_HALF_BYTES - len(self._head)
        self._head += chunk[:remaining]
        self._tail += chunk[remaining:]
        excess = max(0, len(self._tail) - OUTPUT_HALF_BYTES)
        self._tail, self._omitted = self._tail[excess:], self._omitted + excess

    def __str__(self) -> str:
        gap = f"\n[{self._omitted:,} bytes omitted]\n".encode() if self._omitted else b""
        return (self._head + gap + self._tail).decode("utf-8", "replace").rstrip("\n")


def environment(workspace: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without secrets: only a few variables are inherited."""
    values = {name: inherited[name] for name in INHERITED_VARIABLES if name in inherited}
    return {"PATH": os.defpath, **values, "HOME": str(workspace), "PWD": str(workspace), "TERM": "dumb"}


def _folder(context: ToolContext) -> Path:
    if context.workspace is None or not context.workspace.is_dir():
        raise ToolError("This run has no workspace: commands need a project with a folder.")
    return context.workspace


@asynccontextmanager
async def _pipe() -> AsyncIterator[tuple[asyncio.StreamReader, FileIO]]:
    """Open a pipe for the output.

    With asyncio's own pipes, `process.wait()` also waits for background processes that hold the other end,
    such as `sleep 600 &`.
    """
    descriptors = os.pipe()
    stream = asyncio.StreamReader()
    with os.fdopen(descriptors[0], "rb", 0) as readable, os.fdopen(descriptors[1], "wb", 0) as writable:
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
            start_new_session=True,  # a process group of its own, so that all of it can be killed
        )
    finally:
        output.close()  # our copy; the stream ends when the command's copies are closed


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS raises the second for a group of zombies
        os.killpg(process.pid, signal.SIGKILL)


SHELL = Tool(
    name="shell",
    description=(
        "Run a command with /bin/sh in the workspace and return its output. It gets no input, "
        "and its background processes are stopped when it ends."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "command": {"type": "string", "minLength": 1, "maxLength": 20_000},
            "timeout_sec": {
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_TIMEOUT_SEC,
                "description": f"Time limit in seconds; default: {TIMEOUT_SEC}.",
            },
        },
        "required": ["command"],
        "additionalProperties": False,
    },
    call=shell,
    blocking=False,
    timeout_sec=MAX_TIMEOUT_SEC + 10,
    permission="deny",
    asks_each_time=True,  # approval of one command says nothing about the next
)
