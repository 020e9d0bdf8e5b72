"""The tool that writes a text file, or appends to one."""

from __future__ import annotations

from agents.tools.base import Arguments, Tool, ToolContext, ToolError
from agents.tools.files import workspace


def write_file(context: ToolContext, arguments: Arguments) -> str:
    """Replace a whole file, or append to it; missing folders are created."""
    path, data = arguments["path"], encode(arguments["content"])
    if arguments.get("append", False):
        workspace.append(context, path, data)
        return f"Appended {len(data):,} bytes to {path}."
    workspace.replace(context, path, data)
    return f"Wrote {len(data):,} bytes to {path}."


def encode(content: str) -> bytes:
    """Encode text as UTF-8; raise ToolError if it contains a lone surrogate."""
    try:
        return content.encode()
    except UnicodeEncodeError:
        raise ToolError("The content contains a lone surrogate and cannot be written as UTF-8.") from None


WRITE_FILE = Tool(
    name="write_file",
    description="Write a text file in the workspace: replace its content or append. Creates missing folders.",
    input_schema={
        "type": "object",
        "properties": {
            "path": {"type": "string", "minLength": 1, "description": "Relative to the workspace."},
            "content": {"type": "string", "maxLength": workspace.MAX_WRITE_BYTES},
            "append": {"type": "boolean", "description": "Append instead of replacing."},
        },
        "required": ["path", "content"],
        "additionalProperties": False,
    },
    call=write_file,
    timeout_sec=30,
)
