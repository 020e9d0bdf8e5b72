"""List what is in the workspace."""

from __future__ import annotations

from fnmatch import fnmatchcase
from itertools import islice

from agents.tools.base import Arguments, Tool, ToolContext
from agents.tools.files.workspace_listing import Entry, entries

MAX_ENTRIES = 1000


def list_files(context: ToolContext, arguments: Arguments) -> str:
    """Name files and folders, one a line, with sizes."""
    pattern = arguments.get("pattern", "")
    found = (entry for entry in entries(context, arguments.get("path", "")) if _matches(entry, pattern))
    lines = [_line(entry) for entry in islice(found, MAX_ENTRIES + 1)]
    if len(lines) > MAX_ENTRIES:
        lines[MAX_ENTRIES:] = [f"[more than {MAX_ENTRIES:,} entries: narrow it down with path or pattern]"]
    return "\n".join(lines) or "Nothing there."


def _matches(entry: Entry, pattern: str) -> bool:
    """Match the name or the whole path; a leading **/ also means this very folder."""
    name = entry.path.rpartition("/")[2]
    wanted = (pattern, pattern.removeprefix("**/"))
    return not pattern or any(fnmatchcase(text, glob) for text in (name, entry.path) for glob in wanted)


def _line(entry: Entry) -> str:
    if entry.is_folder:
        return f"{entry.path}/"
    return f"{entry.path} (link, not followed)" if entry.is_link else f"{entry.path} ({entry.size:,} bytes)"


LIST_FILES = Tool(
    name="list_files",
    description="List the files and folders of the workspace, folders within folders included, with sizes.",
    input_schema={
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "The folder to list; the whole workspace if left out."},
            "pattern": {
                "type": "string",
                "maxLength": 200,
                "description": "Only names or paths like this, for example *.md or reports/*.csv.",
            },
        },
        "additionalProperties": False,
    },
    call=list_files,
    timeout_sec=30,
    idempotent=True,
)
