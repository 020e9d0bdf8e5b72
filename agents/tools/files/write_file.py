"""Write a text file, or add to one."""

from __future__ import annotations

from agents.tools.base import Arguments, Tool, ToolContext, ToolError
from agents.tools.files import workspace


def write_file(context: ToolContext, arguments: Arguments) -> str:
    """Replace a file as a whole, or append to it; missing folders are made."""
    path, data = arguments["path"], encoded(arguments["content"])
    if arguments.get("append", False):
        workspace.append(context, path, data)
        return f"Added {len(data):,} bytes to {path}."
    workspace.replace(context, path, data)
    return f"Wrote {len(data):,} bytes to {path}."


def encoded(content: str) -> bytes:
    """Encode text for a file; raise ToolError where it is not valid."""
    try:
        return content.encode()
    except UnicodeEncodeError:
        raise ToolError(
            "The content holds half a character (a lone surrogate) and cannot be written."
        ) from None


WRITE_FILE = Tool(
    name="write_file",
    description="Write a text file in the workspace, replacing what it held, or append to it; makes folders.",
    input_schema={
        "type": "object",
        "properties": {
            "path": {"type": "string", "minLength": 1, "description": "Relative to the workspace."},
            "content": {"type": "string", "maxLength": workspace.WRITE_CAP},
            "append": {"type": "boolean", "description": "Add to the end instead of replacing."},
        },
        "required": ["path", "content"],
        "additionalProperties": False,
    },
    call=write_file,
    timeout_sec=30,
)
