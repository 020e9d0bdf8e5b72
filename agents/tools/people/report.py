"""The typed way for an agent to say what it found, or that there is nothing to tell."""

from __future__ import annotations

from agents.tools.base import Arguments, Report, Tool, ToolContext, ToolError
from stagent.lib.text import is_blank


def report(context: ToolContext, arguments: Arguments) -> str:
    """Leave the agent's verdict on the context; a later one replaces it."""
    body = arguments.get("body", "").strip()
    if arguments["changed"] and is_blank(body):
        raise ToolError("Say in `body` what changed.")
    context.report = Report(arguments["changed"], arguments.get("severity", "info"), body)
    return "Noted." if context.report.changed else "Noted: nothing to report."


REPORT = Tool(
    name="report",
    description=(
        "State the outcome of a scheduled check. Call it once, at the end: changed=false when there is "
        "nothing worth telling anyone (nothing is delivered then), else changed=true with a severity and "
        "what was found."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "changed": {"type": "boolean", "description": "Whether there is anything to tell."},
            "severity": {
                "type": "string",
                "enum": ["info", "warning", "critical"],
                "description": "How much it matters; info unless said otherwise.",
            },
            "body": {"type": "string", "maxLength": 20_000, "description": "What was found, in Markdown."},
        },
        "required": ["changed"],
        "additionalProperties": False,
    },
    call=report,
    blocking=False,
    idempotent=True,
)
