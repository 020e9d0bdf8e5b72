"""Converts any history to one that the Messages API accepts, just before it is sent.

Histories contain output of models and servers, and incomplete attempts: blank texts, duplicate call ids,
calls without results. One such stored block would make every later request fail.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from agents.protocol.reply import INTERRUPTED, Block, as_object, tool_result
from agents.runtimes.base import Message
from stagent.lib.text import is_blank, to_storable

CALL_ID = re.compile(r"[a-zA-Z0-9_-]+")
INVALID_ID_CHARS = re.compile(r"[^a-zA-Z0-9_-]")
MAX_NAME_CHARS = 128
OMITTED = "(Earlier messages are omitted.)"
NO_TEXT = "(no text)"
CALL_TYPES = ("tool_use", "server_tool_use")


@dataclass
class _Turn:
    """Consecutive blocks of one role; `results` are a user's tool results by their new ids."""

    role: str
    blocks: list[Block] = field(default_factory=list)
    results: dict[str, Block] = field(default_factory=dict)


def to_valid_messages(messages: Iterable[Message]) -> list[Message]:
    """Return a history that the API accepts; a valid one is unchanged."""
    history = _History()
    for message in messages:
        history.add(message["role"], list(_blocks(message)))
    return history.messages()


class _History:
    """Alternating turns, with the calls of the last assistant turn that have no result yet."""

    def __init__(self) -> None:
        self._turns: list[_Turn] = []
        self._ids: set[str] = set()  # of all calls
        self._pending: list[tuple[str, str]] = []  # old and new ids of the calls without a result

    def add(self, role: str, blocks: list[Block]) -> None:
        if role == "assistant":
            self._add_reply(blocks)
        else:
            self._add_user(blocks)

    def messages(self) -> list[Message]:
        """Complete the last turn and return all."""
        self._add_missing_results()
        if not self._turns or self._turns[0].role == "assistant":
            text = OMITTED if self._turns else NO_TEXT
            self._turns.insert(0, _Turn("user", [{"type": "text", "text": text}]))
        return [
            {"role": turn.role, "content": [*turn.results.values(), *turn.blocks]} for turn in self._turns
        ]

    def _add_reply(self, blocks: list[Block]) -> None:
        valid_blocks = [block for block in map(_valid_assistant_block, blocks) if block]
        while valid_blocks and valid_blocks[-1]["type"] in ("thinking", "redacted_thinking"):
            valid_blocks.pop()  # without text or calls after it
        if not valid_blocks:
            return
        if self._turns and self._turns[-1].role == "user":
            self._add_missing_results()
        self._turn("assistant").blocks += [
            self._with_unique_id(b) if b["type"] in CALL_TYPES else b for b in valid_blocks
        ]

    def _add_user(self, blocks: list[Block]) -> None:
        valid_blocks = [block for block in map(_valid_user_block, blocks) if block]
        results = [block for block in valid_blocks if block["type"] == "tool_result"]
        others = [block for block in valid_blocks if block["type"] != "tool_result"]
        for block in results:
            self._add_result(block)
        if others:
            self._turn("user").blocks += others

    def _turn(self, role: str) -> _Turn:
        """Return the current turn of this role; start one if needed."""
        if not self._turns or self._turns[-1].role != role:
            self._turns.append(_Turn(role))
        return self._turns[-1]

    def _with_unique_id(self, call: Block) -> Block:
        """Give a call a unique id; a server tool's result is in the same turn, so its id is kept."""
        old_id = str(call.get("id") or "")
        if call["type"] != "tool_use":
            return call
        clean_id = new_id = INVALID_ID_CHARS.sub("_", old_id) or "call"
        number = 1
        while new_id in self._ids:
            number += 1
            new_id = f"{clean_id}_{number}"
        self._ids.add(new_id)
        self._pending.append((old_id, new_id))
        return call | {"id": new_id}

    def _add_result(self, result: Block) -> None:
        """Add a result to the first pending call with its id; without one it is dropped."""
        for index, (old_id, new_id) in enumerate(self._pending):
            if old_id == result.get("tool_use_id"):
                del self._pending[index]
                self._turn("user").results[new_id] = result | {"tool_use_id": new_id}
                return

    def _add_missing_results(self) -> None:
        for _, new_id in self._pending:
            self._turn("user").results[new_id] = tool_result(new_id, INTERRUPTED, is_error=True)
        self._pending = []


def _blocks(message: Message) -> Iterable[Block]:
    content = message.get("content")
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    return (to_storable(block) for block in content or () if isinstance(block, dict))


def _valid_assistant_block(block: Block) -> Block | None:
    """Return the block if it is valid in an assistant message, else None."""
    match block.get("type"):
        case "text":
            return _text({name: value for name, value in block.items() if value is not None})
        case "thinking":
            return block if block.get("thinking") is not None and block.get("signature") else None
        case "redacted_thinking":
            return block if block.get("data") else None
        case "tool_use":
            name = INVALID_ID_CHARS.sub("_", str(block.get("name") or "unknown"))[:MAX_NAME_CHARS]
            return block | {"name": name, "input": as_object(block.get("input", {}))}
        case "tool_result" | "image" | "document" | None:
            return None
    return block


def _valid_user_block(block: Block) -> Block | None:
    """Return the block if it is valid in a user message, else None."""
    match block.get("type"):
        case "text":
            return _text(block)
        case "tool_result":
            return _result(block)
        case "thinking" | "redacted_thinking" | "tool_use" | "server_tool_use" | None:
            return None
    return block


def _text(block: Block) -> Block | None:
    text = block.get("text")
    return block if isinstance(text, str) and not is_blank(text) else None


def _result(block: Block) -> Block:
    content = block.get("content")
    if isinstance(content, list):
        content = [each for each in content if each.get("type") != "text" or _text(each)]
    if not content and block.get("is_error"):
        content = NO_TEXT  # an error needs content
    return block | {"content": content or ""}
