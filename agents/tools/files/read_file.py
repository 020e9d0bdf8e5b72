"""Read a text file, or a window of a large one."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from io import BufferedReader
from itertools import accumulate

from agents.tools.base import Arguments, Tool, ToolContext, ToolError
from agents.tools.files import workspace

MAX_LINES = 2000
MAX_BYTES = 45_000  # of lines in one answer: less than every result is cut to, so that our note survives
MAX_LINE_BYTES = 20_000


def read_file(context: ToolContext, arguments: Arguments) -> str:
    """Give the lines asked for, and say where to go on."""
    path, offset, limit = arguments["path"], arguments.get("offset", 1), arguments.get("limit", MAX_LINES)
    with workspace.opened(context, path) as file:
        if workspace.looks_binary(file.peek()):
            raise ToolError(f"{path} is a binary file, not text.")
        if offset < 0:
            return _tail(file, -offset, arguments.get("limit", -offset))
        return _window(file, offset, limit)


def _window(file: BufferedReader, first: int, limit: int) -> str:
    shown: list[bytes] = []
    number = size = 0
    for number, line in enumerate(_lines(file), 1):
        if len(shown) == limit or size + len(line) > MAX_BYTES:
            return f"{_text(shown)}[more follows: go on with offset={number}]"
        if number >= first:
            shown.append(line)
            size += len(line)
    if number and not shown:
        raise ToolError(f"The file has only {number:,} lines.")
    return _text(shown) or "(the file is empty)"


def _tail(file: BufferedReader, count: int, limit: int) -> str:
    """Read the last lines, from the last READ_CAP bytes only."""
    skipped = max(0, os.fstat(file.fileno()).st_size - workspace.READ_CAP)
    file.seek(skipped)
    if skipped:
        file.readline()  # most likely the end of a line we did not see begin
    found = list(deque(_lines(file), maxlen=count))
    sizes = accumulate(map(len, reversed(found[:limit])))
    fitting = sum(size <= MAX_BYTES for size in sizes)
    shown = found[:limit][-fitting:]
    note = "[earlier lines are left out]\n" if len(shown) < min(count, limit, len(found) + skipped) else ""
    return note + _text(shown) or "(the file is empty)"


def _lines(file: BufferedReader) -> Iterator[bytes]:
    while line := file.readline(MAX_LINE_BYTES):
        yield line if _ended(line) else line + _rest(file)


def _rest(file: BufferedReader) -> bytes:
    """Pass over the rest of a long line and say so; give the rest itself if that is only the line's end."""
    rest = file.readline(MAX_LINE_BYTES)
    if rest in (b"", b"\n"):
        return rest
    while not _ended(rest):
        rest = file.readline(MAX_LINE_BYTES)
    return b" [the rest of this line is left out]\n"


def _ended(line: bytes) -> bool:
    return line.endswith(b"\n") or len(line) < MAX_LINE_BYTES


def _text(lines: Iterable[bytes]) -> str:
    return b"".join(lines).decode("utf-8", "replace")


READ_FILE = Tool(
    name="read_file",
    description=(
        f"Read a text file of the workspace. Gives up to {MAX_LINES} lines; "
        "for a longer file go on with offset, or read its end with a negative one."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "path": {"type": "string", "minLength": 1, "description": "Relative to the workspace."},
            "offset": {
                "type": "integer",
                "description": "The first line to read, from 1; -50 means the last 50 lines.",
            },
            "limit": {
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_LINES,
                "description": "How many lines.",
            },
        },
        "required": ["path"],
        "additionalProperties": False,
    },
    call=read_file,
    timeout_sec=30,
    idempotent=True,
)
