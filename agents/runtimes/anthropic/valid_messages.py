"""Makes any history one that the Messages API takes, in the last moment before it is sent.

Histories hold what models and servers said in the past, and broken attempts: blank texts, ids of calls that
come twice, calls without results. One such block, stored once, would have every later request refused.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from agents.protocol.reply import INTERRUPTED, Block, as_object, tool_result
from agents.runtimes.base import Message
from stagent.lib.text import is_blank, to_storable

CALL_ID = re.compile(r"[a-zA-Z0-9_-]+")
UNFIT = re.compile(r"[^a-zA-Z0-9_-]")
LONGEST_NAME = 128
LEFT_OUT = "(What was said before is left out.)"
SAYS_NOTHING = "(no text)"
CALLS = ("tool_use", "server_tool_use")


@dataclass
class _Turn:
    """What one side says until the other speaks; `results` are a user's, by the ids they go out with."""

    role: str
    blocks: list[Block] = field(default_factory=list)
    results: dict[str, Block] = field(default_factory=dict)


def valid(messages: Iterable[Message]) -> list[Message]:
    """Return the history as the API takes it; what is valid already stays as it is."""
    history = _History()
    for message in messages:
        history.add(message["role"], list(_blocks(message)))
    return history.messages()


class _History:
    """Turns that alternate, with the calls of the last assistant's turn that wait for their results."""

    def __init__(self) -> None:
        self._turns: list[_Turn] = []
        self._ids: set[str] = set()  # all that were given to calls
        self._pending: list[tuple[str, str]] = []  # calls without a result: the id they had, the id they have

    def add(self, role: str, blocks: list[Block]) -> None:
        if role == "assistant":
            self._add_reply(blocks)
        else:
            self._add_user(blocks)

    def messages(self) -> list[Message]:
        """Close the last turn and return all."""
        self._answer_the_rest()
        if not self._turns or self._turns[0].role == "assistant":
            text = LEFT_OUT if self._turns else SAYS_NOTHING
            self._turns.insert(0, _Turn("user", [{"type": "text", "text": text}]))
        return [
            {"role": turn.role, "content": [*turn.results.values(), *turn.blocks]} for turn in self._turns
        ]

    def _add_reply(self, blocks: list[Block]) -> None:
        said = [block for block in map(_of_assistant, blocks) if block]
        while said and said[-1]["type"] in ("thinking", "redacted_thinking"):
            said.pop()  # a thought that led to nothing
        if not said:
            return
        if self._turns and self._turns[-1].role == "user":
            self._answer_the_rest()
        self._turn("assistant").blocks += [self._named(b) if b["type"] in CALLS else b for b in said]

    def _add_user(self, blocks: list[Block]) -> None:
        said = [block for block in map(_of_user, blocks) if block]
        answers = [block for block in said if block["type"] == "tool_result"]
        words = [block for block in said if block["type"] != "tool_result"]
        for block in answers:
            self._answer(block)
        if words:
            self._turn("user").blocks += words

    def _turn(self, role: str) -> _Turn:
        """Return the turn that this side speaks in now."""
        if not self._turns or self._turns[-1].role != role:
            self._turns.append(_Turn(role))
        return self._turns[-1]

    def _named(self, call: Block) -> Block:
        """Give a call an id of its own; a server's tool answers in the same turn, and keeps its id."""
        had = str(call.get("id") or "")
        if call["type"] != "tool_use":
            return call
        fit = ident = UNFIT.sub("_", had) or "call"
        number = 1
        while ident in self._ids:
            number += 1
            ident = f"{fit}_{number}"
        self._ids.add(ident)
        self._pending.append((had, ident))
        return call | {"id": ident}

    def _answer(self, result: Block) -> None:
        """Take a result for the first call of its id that waits; one that nobody waits for is left out."""
        for place, (had, ident) in enumerate(self._pending):
            if had == result.get("tool_use_id"):
                del self._pending[place]
                self._turn("user").results[ident] = result | {"tool_use_id": ident}
                return

    def _answer_the_rest(self) -> None:
        for _, ident in self._pending:
            self._turn("user").results[ident] = tool_result(ident, INTERRUPTED, is_error=True)
        self._pending = []


def _blocks(message: Message) -> Iterable[Block]:
    content = message.get("content")
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    return (to_storable(block) for block in content or () if isinstance(block, dict))


def _of_assistant(block: Block) -> Block | None:
    """Return what an assistant may say of it."""
    match block.get("type"):
        case "text":
            return _text({name: value for name, value in block.items() if value is not None})
        case "thinking":
            return block if block.get("thinking") is not None and block.get("signature") else None
        case "redacted_thinking":
            return block if block.get("data") else None
        case "tool_use":
            named = UNFIT.sub("_", str(block.get("name") or "unknown"))[:LONGEST_NAME]
            return block | {"name": named, "input": as_object(block.get("input", {}))}
        case "tool_result" | "image" | "document" | None:
            return None
    return block


def _of_user(block: Block) -> Block | None:
    """Return what a user may say of it."""
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
        content = SAYS_NOTHING  # an error says why
    return block | {"content": content or ""}
