"""A reply of the model, and helpers for its content blocks."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

from agents.protocol.usage import Usage
from stagent.lib.text import is_blank

INTERRUPTED = "Interrupted before its result was stored; it may or may not have taken effect"
type Block = dict[str, Any]

# Stop reasons of incomplete replies, which are left out of the next request.
UNUSABLE_STOP_REASONS = frozenset({"", "max_tokens", "refusal", "model_context_window_exceeded"})
THINKING = frozenset({"thinking", "redacted_thinking"})


@dataclass(frozen=True)
class Reply:
    """One reply; `stop_reason` is None while it is incomplete."""

    content: list[Block]
    stop_reason: str | None
    usage: Usage
    model: str
    stop_details: dict[str, Any] | None = None
    estimated: bool = False
    request_id: str = ""

    @property
    def text(self) -> str:
        return join_text(self.content)

    @property
    def calls(self) -> list[Block]:
        return tool_calls(self.content)


def join_text(content: Sequence[Block]) -> str:
    """Join the text of a reply; empty if nothing of it is visible."""
    text = "".join(block.get("text") or "" for block in content if block.get("type") == "text").strip()
    return "" if is_blank(text) else text


def tool_calls(content: Sequence[Block]) -> list[Block]:
    return [block for block in content if block.get("type") == "tool_use"]


def is_empty(content: Sequence[Block]) -> bool:
    """Return whether a reply has neither text nor calls; thinking alone is empty."""
    return not join_text(content) and all(block.get("type") in THINKING | {"text"} for block in content)


def without_thinking(content: Sequence[Block]) -> list[Block]:
    return [block for block in content if block.get("type") not in THINKING]


def as_object(arguments: Any) -> Block:
    """Return the arguments of a call as an object, as readers and providers require."""
    return arguments if isinstance(arguments, dict) else {"arguments": arguments}


def to_request_content(content: Sequence[Block]) -> list[Block]:
    """Convert a reply for the next request: models make calls whose arguments are not an object."""
    return [
        block | {"input": as_object(block["input"])} if block.get("type") == "tool_use" else block
        for block in content
    ]


def with_unique_ids(content: Sequence[Block], used_ids: Container[str]) -> list[Block]:
    """Return a reply whose call ids are unique and not in `used_ids`: some servers reuse ids."""
    new_ids: set[str] = set()

    def replace_id(block: Block) -> Block:
        if block.get("type") != "tool_use":
            return block
        call_id, number = block["id"], 1
        while call_id in used_ids or call_id in new_ids:
            number += 1
            call_id = f"{block['id']}_{number}"
        new_ids.add(call_id)
        return block | {"id": call_id}

    return [replace_id(block) for block in content]


def tool_result(call_id: str, text: str, is_error: bool) -> Block:
    """Build the result block of a tool call."""
    block: Block = {"type": "tool_result", "tool_use_id": call_id, "content": text}
    return block | {"is_error": True} if is_error else block
