"""The tool that reports the outcome of a scheduled check, or that there is nothing to report."""

from __future__ import annotations

from agents.tools.base import Arguments, Report, Tool, ToolContext, ToolError
from stagent.lib.text import is_blank


def report(context: ToolContext, arguments: Arguments) -> str:
    """Store the report in the context; a later one replaces it."""
    body = arguments.get("body", "").strip()
    if arguments["changed"] and is_blank(body):
        raise ToolError("`body` is empty: write what changed.")
    context.report = Report(arguments["changed"], arguments.get("severity", "info"), body)
    return "Noted." if context.report.changed else "Noted: nothing to report."


REPORT = Tool(
    name="report",
    description=(
        "Report the outcome of a scheduled check. Call it once, at the end: changed=false if there is "
        "nothing to report (then nothing is delivered), otherwise changed=true with a severity and the "
        "findings in body."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "changed": {"type": "boolean", "description": "Whether there is anything to report."},
            "severity": {
                "type": "string",
                "enum": ["info", "warning", "critical"],
                "description": "How serious it is; default: info.",
            },
            "body": {"type": "string", "maxLength": 20_000, "description": "The findings, in Markdown."},
        },
        "required": ["changed"],
        "additionalProperties": False,
    },
    call=report,
    blocking=False,
    idempotent=True,
)
