"""The tool that asks a person a question; the answer is its result."""

from __future__ import annotations

from typing import Any

from agents.tools.base import Arguments, Tool, ToolContext, ToolError
from stagent.lib.text import is_blank


def preview(context: ToolContext, arguments: Arguments) -> dict[str, Any]:
    """Return the card with the question and the choices."""
    question = arguments["question"].strip()
    if is_blank(question):
        raise ToolError("`question` is empty: write what you want to know.")
    choices = [choice for text in arguments.get("choices", []) if (choice := text.strip())]
    return {"text": question, "title": question, "lines": [], "warnings": [], "choices": choices}


def _raise_error(context: ToolContext, arguments: Arguments) -> str:
    raise ToolError("Only a person can answer this.")


ASK_PERSON = Tool(
    name="ask_person",
    description=(
        "Ask the person you work for and wait for the answer, which can take hours or never come. "
        "Ask only what you cannot find out and must not guess; offer choices if there are any."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "question": {"type": "string", "maxLength": 2000, "description": "One complete question."},
            "choices": {
                "type": "array",
                "maxItems": 8,
                "items": {"type": "string", "maxLength": 200},
                "description": "Suggested answers; the person can also write another one.",
            },
        },
        "required": ["question"],
        "additionalProperties": False,
    },
    call=_raise_error,
    blocking=False,
    permission="ask",
    answered_by_person=True,
    preview=preview,
)
