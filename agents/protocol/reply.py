"""What a reply of the model holds, read from the API's blocks."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

from agents.protocol.usage import Usage
from stagent.lib.text import is_blank

INTERRUPTED = "Interrupted before its result was kept; it may or may not have taken effect"
type Block = dict[str, Any]

# Stop reasons after which the reply is no use to the next request: it is not the model's whole word.
NO_REPLY = frozenset({"", "max_tokens", "refusal", "model_context_window_exceeded"})
THINKING = frozenset({"thinking", "redacted_thinking"})


@dataclass(frozen=True)
class Reply:
    """One reply, whole or as far as it came; `stop_reason` is None while it is not whole."""

    content: list[Block]
    stop_reason: str | None
    usage: Usage
    model: str
    stop_details: dict[str, Any] | None = None
    estimated: bool = False
    request_id: str = ""

    @property
    def text(self) -> str:
        return text_in(self.content)

    @property
    def calls(self) -> list[Block]:
        """The tool calls it asks for."""
        return calls_in(self.content)


def text_in(content: Sequence[Block]) -> str:
    """Join the words of a reply; empty where they show nothing."""
    said = "".join(block.get("text") or "" for block in content if block.get("type") == "text").strip()
    return "" if is_blank(said) else said


def calls_in(content: Sequence[Block]) -> list[Block]:
    return [block for block in content if block.get("type") == "tool_use"]


def is_empty(content: Sequence[Block]) -> bool:
    """Tell a reply that says and asks nothing; a thought alone is nothing."""
    return not text_in(content) and all(block.get("type") in THINKING | {"text"} for block in content)


def without_thinking(content: Sequence[Block]) -> list[Block]:
    return [block for block in content if block.get("type") not in THINKING]


def as_object(arguments: Any) -> Block:
    """Return the arguments of a call in the one form that readers and providers take."""
    return arguments if isinstance(arguments, dict) else {"arguments": arguments}


def given_back(content: Sequence[Block]) -> list[Block]:
    """Return a reply as its provider takes it back; models make calls whose arguments are no object."""
    return [
        block | {"input": as_object(block["input"])} if block.get("type") == "tool_use" else block
        for block in content
    ]


def with_ids_of_their_own(content: Sequence[Block], taken: Container[str]) -> list[Block]:
    """Return a reply in which no call has an id twice, or one that is taken: some servers reuse them."""
    given: set[str] = set()

    def own(block: Block) -> Block:
        if block.get("type") != "tool_use":
            return block
        ident, number = block["id"], 1
        while ident in taken or ident in given:
            number += 1
            ident = f"{block['id']}_{number}"
        given.add(ident)
        return block | {"id": ident}

    return [own(block) for block in content]


def tool_result(call_id: str, text: str, is_error: bool) -> Block:
    """Make the block that answers a tool call."""
    block: Block = {"type": "tool_result", "tool_use_id": call_id, "content": text}
    return block | {"is_error": True} if is_error else block
