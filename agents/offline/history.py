"""Reads a conversation: the last prompt, and the steps taken since.

The turn number is derived from the messages alone, so a resumed run continues where it was.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from agents.offline.attachments import files
from agents.offline.validation import blocks_of

Messages = list[dict[str, Any]]

CONTEXT = re.compile(r"\s*<(?P<tag>stagent-\w+)>.*</(?P=tag)>\s*", re.DOTALL)  # a block that the engine adds
CANCELLED = re.compile(r"\b(cancel|interrupt|abort|stopp)", re.IGNORECASE)


@dataclass(frozen=True)
class Result:
    """The result of a tool call."""

    text: str
    is_error: bool = False

    @cached_property
    def failed(self) -> bool:
        """Whether it is marked as an error, or is an unmarked {"error": …}."""
        if self.is_error or not self.text.lstrip().startswith("{"):
            return self.is_error
        data = self.data
        return isinstance(data, dict) and isinstance(data.get("error"), str) and "items" not in data

    @cached_property
    def data(self) -> Any:
        """The parsed JSON, or None for plain text."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None

    @property
    def items(self) -> list[dict[str, Any]]:
        """The rows of a list result, under any key."""
        data = self.data
        lists = [data, *data.values()] if isinstance(data, dict) else [data]
        rows = next((value for value in lists if isinstance(value, list)), [])
        return [row for row in rows if isinstance(row, dict)]

    @property
    def record(self) -> dict[str, Any]:
        """The object of a result, unwrapped from {"schedule": …} or {"run": …}."""
        data = self.data if isinstance(self.data, dict) else {}
        inner = next((data[key] for key in ("schedule", "run") if isinstance(data.get(key), dict)), None)
        return inner or data


@dataclass(frozen=True)
class Step:
    """The tool calls of one reply and their results, in order."""

    names: list[str]
    inputs: list[dict[str, Any]]
    results: list[Result]


def steps(messages: Messages) -> list[Step]:
    """Return the steps in the messages since a prompt."""
    results = {block["tool_use_id"]: parse_result(block) for block in blocks_of_type(messages, "tool_result")}
    return [step for message in messages if (step := parse_step(message, results)).names]


def conversation(messages: Messages, prompts: int) -> str:
    """Return a key for a conversation: its first message and the number of prompts so far."""
    first = next((plain_text(message) for message in messages if message["role"] == "user"), "")
    return hashlib.sha256(f"{prompts}\n{first}".encode()).hexdigest()


def earlier_inputs(messages: Messages) -> list[dict[str, Any]]:
    """Return the inputs of all tool calls, oldest first."""
    return [block["input"] for block in blocks_of_type(messages, "tool_use")]


def prompts(messages: Messages, must_answer: bool) -> list[int]:
    """Return the indexes of the prompts, without the engine's notes between turns; at least one."""
    return [number for number in range(len(messages)) if is_prompt(messages, number, must_answer)] or [0]


def is_prompt(messages: Messages, number: int, must_answer: bool) -> bool:
    """Return whether a message is a prompt of a person, and not tool results or a note of the engine.

    Text in a message with results is a note ("answer now"), unless all those calls were cancelled: then the
    person stopped the reply and wrote a new message. Text in a message of its own after results is a prompt,
    unless tools can no longer be called.
    """
    message = messages[number]
    if message["role"] != "user" or not (plain_text(message) or files(message)):
        return False
    if results := blocks_of_type([message], "tool_result"):
        return not must_answer and all(is_cancelled(block) for block in results)
    previous = blocks_of_type(messages[number - 1 : number], "tool_result") if number else []
    return not (previous and must_answer)


def is_cancelled(block: dict[str, Any]) -> bool:
    """Return whether a call was cancelled or interrupted, and did not just fail."""
    return bool(block.get("is_error")) and bool(CANCELLED.search(content_text(block.get("content"))))


def plain_text(message: dict[str, Any]) -> str:
    """Return the text of a message without the notes and the clock that the engine adds."""
    texts = [block["text"] for block in blocks_of(message) if block["type"] == "text"]
    return "\n\n".join(text for text in texts if not CONTEXT.fullmatch(text)).strip()


def content_text(content: Any) -> str:
    """Return string or block content as one string."""
    if isinstance(content, list):
        return "\n".join(block.get("text", "") for block in content if isinstance(block, dict))
    return content if isinstance(content, str) else ""


def parse_result(block: dict[str, Any]) -> Result:
    return Result(content_text(block.get("content")), bool(block.get("is_error")))


def parse_step(message: dict[str, Any], results: dict[str, Result]) -> Step:
    """Return the calls of one reply that have results."""
    calls = [block for block in blocks_of_type([message], "tool_use") if block["id"] in results]
    return Step(
        [block["name"] for block in calls],
        [block["input"] for block in calls],
        [results[block["id"]] for block in calls],
    )


def blocks_of_type(messages: Messages, kind: str) -> list[dict[str, Any]]:
    """Return the blocks of one type, in order."""
    return [block for message in messages for block in blocks_of(message) if block["type"] == kind]
