"""The tool that reads a text file, or a window of a large one."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from io import BufferedReader
from itertools import accumulate

from agents.tools.base import Arguments, Tool, ToolContext, ToolError
from agents.tools.files import workspace

MAX_LINES = 2000
MAX_BYTES = 45_000  # of lines in one result; less than the general limit, so that the note is kept
MAX_LINE_BYTES = 20_000


def read_file(context: ToolContext, arguments: Arguments) -> str:
    """Return the requested lines, and the offset of the next ones."""
    path, offset, limit = arguments["path"], arguments.get("offset", 1), arguments.get("limit", MAX_LINES)
    with workspace.opened(context, path) as file:
        if workspace.looks_binary(file.peek()):
            raise ToolError(f"{path} is a binary file, not text.")
        if offset < 0:
            return _tail(file, -offset, arguments.get("limit", -offset))
        return _window(file, offset, limit)


def _window(file: BufferedReader, first: int, limit: int) -> str:
    lines: list[bytes] = []
    number = size = 0
    for number, line in enumerate(_lines(file), 1):
        if len(lines) == limit or size + len(line) > MAX_BYTES:
            return f"{_text(lines)}[more lines follow: continue with offset={number}]"
        if number >= first:
            lines.append(line)
            size += len(line)
    if number and not lines:
        raise ToolError(f"The file has only {number:,} lines.")
    return _text(lines) or "(the file is empty)"


def _tail(file: BufferedReader, count: int, limit: int) -> str:
    """Read the last lines, from the last MAX_READ_BYTES bytes only."""
    skipped = max(0, os.fstat(file.fileno()).st_size - workspace.MAX_READ_BYTES)
    file.seek(skipped)
    if skipped:
        file.readline()  # usually the end of a line that starts before
    last = list(deque(_lines(file), maxlen=count))
    sizes = accumulate(map(len, reversed(last[:limit])))
    fitting = sum(size <= MAX_BYTES for size in sizes)
    lines = last[:limit][-fitting:]
    note = "[earlier lines omitted]\n" if len(lines) < min(count, limit, len(last) + skipped) else ""
    return note + _text(lines) or "(the file is empty)"


def _lines(file: BufferedReader) -> Iterator[bytes]:
    while line := file.readline(MAX_LINE_BYTES):
        yield line if _is_complete(line) else line + _rest(file)


def _rest(file: BufferedReader) -> bytes:
    """Skip the rest of a long line and return a note, or the rest itself if it is only the line end."""
    rest = file.readline(MAX_LINE_BYTES)
    if rest in (b"", b"\n"):
        return rest
    while not _is_complete(rest):
        rest = file.readline(MAX_LINE_BYTES)
    return b" [rest of this line omitted]\n"


def _is_complete(line: bytes) -> bool:
    return line.endswith(b"\n") or len(line) < MAX_LINE_BYTES


def _text(lines: Iterable[bytes]) -> str:
    return b"".join(lines).decode("utf-8", "replace")


READ_FILE = Tool(
    name="read_file",
    description=(
        f"Read a text file of the workspace, up to {MAX_LINES} lines at a time. "
        "Continue with offset, or read the end with a negative offset."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "path": {"type": "string", "minLength": 1, "description": "Relative to the workspace."},
            "offset": {
                "type": "integer",
                "description": "The first line to read, starting at 1; -50 means the last 50 lines.",
            },
            "limit": {
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_LINES,
                "description": "Number of lines.",
            },
        },
        "required": ["path"],
        "additionalProperties": False,
    },
    call=read_file,
    timeout_sec=30,
    idempotent=True,
)
