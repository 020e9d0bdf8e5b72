"""The tool that asks a person in words; the answer is its result."""

from __future__ import annotations

from typing import Any

from agents.tools.base import Arguments, Tool, ToolContext, ToolError
from stagent.lib.text import is_blank


def preview(context: ToolContext, arguments: Arguments) -> dict[str, Any]:
    """Show the question and what may be chosen from."""
    question = arguments["question"].strip()
    if is_blank(question):
        raise ToolError("Say in `question` what you want to know.")
    choices = [choice for said in arguments.get("choices", []) if (choice := said.strip())]
    return {"text": question, "title": question, "lines": [], "warnings": [], "choices": choices}


def _never(context: ToolContext, arguments: Arguments) -> str:
    raise ToolError("Only a person can answer this.")


ASK_PERSON = Tool(
    name="ask_person",
    description=(
        "Ask the person you work for, and wait for the answer, which may take hours. Ask only what you "
        "cannot find out and must not guess; offer choices where there are some. Nobody may answer in time."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "question": {"type": "string", "maxLength": 2000, "description": "One question, in full."},
            "choices": {
                "type": "array",
                "maxItems": 8,
                "items": {"type": "string", "maxLength": 200},
                "description": "Answers to choose from; others may be given all the same.",
            },
        },
        "required": ["question"],
        "additionalProperties": False,
    },
    call=_never,
    blocking=False,
    permission="ask",
    answered_by_person=True,
    preview=preview,
)
