"""Reading a conversation backwards: the last prompt, and the steps taken since.

The turn number comes from here, from the messages alone, so a resumed run goes on where it was.
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

CONTEXT = re.compile(r"\s*<(?P<tag>stagent-\w+)>.*</(?P=tag)>\s*", re.DOTALL)  # a block of the engine's own
STOPPED = re.compile(r"\b(cancel|interrupt|abort|stopp)", re.IGNORECASE)


@dataclass(frozen=True)
class Result:
    """What a tool gave back."""

    text: str
    is_error: bool = False

    @cached_property
    def failed(self) -> bool:
        """Whether it is marked as an error, or says {"error": …} without a mark."""
        if self.is_error or not self.text.lstrip().startswith("{"):
            return self.is_error
        data = self.data
        return isinstance(data, dict) and isinstance(data.get("error"), str) and "items" not in data

    @cached_property
    def data(self) -> Any:
        """The JSON of Stagent's own tools, or None for plain text."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None

    @property
    def items(self) -> list[dict[str, Any]]:
        """The rows of a list result, whatever the list is called."""
        data = self.data
        lists = [data, *data.values()] if isinstance(data, dict) else [data]
        rows = next((value for value in lists if isinstance(value, list)), [])
        return [row for row in rows if isinstance(row, dict)]

    @property
    def record(self) -> dict[str, Any]:
        """The one object of a result, unwrapped from {"schedule": …} or {"run": …}."""
        data = self.data if isinstance(self.data, dict) else {}
        inner = next((data[key] for key in ("schedule", "run") if isinstance(data.get(key), dict)), None)
        return inner or data


@dataclass(frozen=True)
class Step:
    """The tool calls of one reply and their results, in order."""

    names: list[str]
    inputs: list[dict[str, Any]]
    results: list[Result]


def steps(later: Messages) -> list[Step]:
    """Return the steps taken in the messages since a prompt."""
    results = {block["tool_use_id"]: result_of(block) for block in every(later, "tool_result")}
    return [step for message in later if (step := step_of(message, results)).names]


def conversation(messages: Messages, prompts: int) -> str:
    """Name a conversation by its first words and the number of prompts so far."""
    first = next((plain_text(message) for message in messages if message["role"] == "user"), "")
    return hashlib.sha256(f"{prompts}\n{first}".encode()).hexdigest()


def earlier_inputs(messages: Messages) -> list[dict[str, Any]]:
    """Return the inputs of all tool calls of the conversation, oldest first."""
    return [block["input"] for block in every(messages, "tool_use")]


def prompts(messages: Messages, must_answer: bool) -> list[int]:
    """Find the messages that are prompts and not the product's own notes between turns; never none."""
    return [number for number in range(len(messages)) if is_prompt(messages, number, must_answer)] or [0]


def is_prompt(messages: Messages, number: int, must_answer: bool) -> bool:
    """Tell a person's words from results and the notes that travel with them.

    Beside results, words are a note of the engine ("answer now"), unless all those calls were
    stopped: then somebody stopped the reply and wrote anew. After results, in a message of their
    own, they are a prompt, unless tools may no longer be called.
    """
    message = messages[number]
    if message["role"] != "user" or not (plain_text(message) or files(message)):
        return False
    if own := every([message], "tool_result"):
        return not must_answer and all(was_stopped(block) for block in own)
    before = every(messages[number - 1 : number], "tool_result") if number else []
    return not (before and must_answer)


def was_stopped(block: dict[str, Any]) -> bool:
    """Tell a call that was cut short from one that failed."""
    return bool(block.get("is_error")) and bool(STOPPED.search(flat(block.get("content"))))


def plain_text(message: dict[str, Any]) -> str:
    """Return a message's own words, without the notes and the clock that the engine adds."""
    texts = [block["text"] for block in blocks_of(message) if block["type"] == "text"]
    return "\n\n".join(text for text in texts if not CONTEXT.fullmatch(text)).strip()


def flat(content: Any) -> str:
    """Return content as one string, whichever shape it came in."""
    if isinstance(content, list):
        return "\n".join(block.get("text", "") for block in content if isinstance(block, dict))
    return content if isinstance(content, str) else ""


def result_of(block: dict[str, Any]) -> Result:
    """Read a tool_result."""
    return Result(flat(block.get("content")), bool(block.get("is_error")))


def step_of(message: dict[str, Any], results: dict[str, Result]) -> Step:
    """Return the calls of one reply that have been answered."""
    calls = [block for block in every([message], "tool_use") if block["id"] in results]
    return Step(
        [block["name"] for block in calls],
        [block["input"] for block in calls],
        [results[block["id"]] for block in calls],
    )


def every(messages: Messages, kind: str) -> list[dict[str, Any]]:
    """Return the blocks of one kind, in order."""
    return [block for message in messages for block in blocks_of(message) if block["type"] == kind]
