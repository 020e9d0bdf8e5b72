"""The tool that searches the files of the workspace."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from agents.tools.base import Arguments, Tool, ToolContext, ToolError
from agents.tools.files import workspace
from agents.tools.files.workspace_listing import Entry, entries
from stagent.lib.text import shorten

MAX_MATCHES = 200
MAX_LINE_CHARS = 200


def search_files(context: ToolContext, arguments: Arguments) -> str:
    """Return each line that contains the text, as path:line: text."""
    needle = arguments["text"].casefold()
    matches = (
        line
        for entry in entries(context, arguments.get("path", ""))
        if entry.is_file
        for line in _matches(context, entry, needle)
    )
    lines = list(islice(matches, MAX_MATCHES + 1))
    if len(lines) > MAX_MATCHES:
        lines[MAX_MATCHES:] = [f"[more than {MAX_MATCHES} matches: use a longer text or search one folder]"]
    return "\n".join(lines) or "No matches."


def _matches(context: ToolContext, entry: Entry, needle: str) -> Iterator[str]:
    for number, line in enumerate(_lines(context, entry), 1):
        if needle in line.casefold():
            yield f"{entry.path}:{number}: {shorten(line, MAX_LINE_CHARS)}"


def _lines(context: ToolContext, entry: Entry) -> list[str]:
    """Return the lines of a file; none if it is too large, binary, unreadable or gone."""
    try:
        return workspace.text(workspace.read(context, entry.path), entry.path).split("\n")
    except ToolError:
        return []


SEARCH_FILES = Tool(
    name="search_files",
    description="Find lines that contain a text in the files of the workspace. Plain text, case-insensitive.",
    input_schema={
        "type": "object",
        "properties": {
            "text": {"type": "string", "minLength": 1, "maxLength": 500, "description": "The text to find."},
            "path": {
                "type": "string",
                "description": "A folder or file to search; default: the whole workspace.",
            },
        },
        "required": ["text"],
        "additionalProperties": False,
    },
    call=search_files,
    timeout_sec=30,
    idempotent=True,
)
