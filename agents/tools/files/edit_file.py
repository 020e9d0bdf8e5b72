"""The tool that replaces one passage of a text file."""

from __future__ import annotations

from agents.tools.base import Arguments, Tool, ToolContext, ToolError
from agents.tools.files import workspace
from agents.tools.files.write_file import encode


def edit_file(context: ToolContext, arguments: Arguments) -> str:
    """Replace a passage that occurs exactly once."""
    path, old, new = arguments["path"], arguments["old"], arguments["new"]
    before = workspace.text(workspace.read(context, path), path)
    match before.count(old):
        case 0:
            raise ToolError(
                f"The old text does not occur in {path}; it must match exactly, including whitespace."
            )
        case 1:
            workspace.replace(context, path, encode(before.replace(old, new)))
            return f"Changed {path}."
        case count:
            raise ToolError(
                f"The old text occurs {count} times in {path}; include more of the surrounding text."
            )


EDIT_FILE = Tool(
    name="edit_file",
    description="Replace a passage of a text file: `old`, which must occur exactly once, becomes `new`.",
    input_schema={
        "type": "object",
        "properties": {
            "path": {"type": "string", "minLength": 1, "description": "Relative to the workspace."},
            "old": {
                "type": "string",
                "minLength": 1,
                "description": "The exact current text of the passage.",
            },
            "new": {"type": "string", "description": "The new text."},
        },
        "required": ["path", "old", "new"],
        "additionalProperties": False,
    },
    call=edit_file,
    timeout_sec=30,
)
