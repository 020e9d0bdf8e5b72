"""The tool that lists the files of the workspace."""

from __future__ import annotations

from fnmatch import fnmatchcase
from itertools import islice

from agents.tools.base import Arguments, Tool, ToolContext
from agents.tools.files.workspace_listing import Entry, entries

MAX_ENTRIES = 1000
NO_FILES = "No files found."


def list_files(context: ToolContext, arguments: Arguments) -> str:
    """Return files and folders, one per line, with sizes."""
    pattern = arguments.get("pattern", "")
    matching = (entry for entry in entries(context, arguments.get("path", "")) if _matches(entry, pattern))
    lines = [_line(entry) for entry in islice(matching, MAX_ENTRIES + 1)]
    if len(lines) > MAX_ENTRIES:
        lines[MAX_ENTRIES:] = [f"[more than {MAX_ENTRIES:,} entries: use path or pattern to narrow the list]"]
    return "\n".join(lines) or NO_FILES


def _matches(entry: Entry, pattern: str) -> bool:
    """Match the name or the whole path; a leading **/ also matches the folder itself."""
    name = entry.path.rpartition("/")[2]
    globs = (pattern, pattern.removeprefix("**/"))
    return not pattern or any(fnmatchcase(text, glob) for text in (name, entry.path) for glob in globs)


def _line(entry: Entry) -> str:
    if entry.is_folder:
        return f"{entry.path}/"
    return f"{entry.path} (link, not followed)" if entry.is_link else f"{entry.path} ({entry.size:,} bytes)"


LIST_FILES = Tool(
    name="list_files",
    description="List the files and folders of the workspace, including subfolders, with sizes.",
    input_schema={
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "The folder to list; default: the whole workspace."},
            "pattern": {
                "type": "string",
                "maxLength": 200,
                "description": "Glob for names or paths, for example *.md or reports/*.csv.",
            },
        },
        "additionalProperties": False,
    },
    call=list_files,
    timeout_sec=30,
    idempotent=True,
)
