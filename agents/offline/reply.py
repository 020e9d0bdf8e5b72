"""What the model says in one reply, and the API's message made of it."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from agents.offline.request import OfflineRequest
from agents.offline.script import Call
from agents.offline.token_estimate import chars_for, estimate


@dataclass(frozen=True)
class Text:
    """A text block; `word_tokens` counts every word as one token, where a drill asks for exactly so many."""

    text: str
    word_tokens: bool = False
    kind: ClassVar[str] = "text"

    @property
    def tokens(self) -> int:
        return len(self.text.split()) if self.word_tokens else estimate(self.text)

    def cut(self, tokens: int) -> "Text":
        """Keep the first so many tokens."""
        kept = " ".join(self.text.split()[:tokens]) if self.word_tokens else self.text[: chars_for(tokens)]
        return replace(self, text=kept)

    def param(self, ident: str) -> dict[str, Any]:
        """Return the block as the API shows it."""
        return {"type": "text", "text": self.text, "citations": None}


@dataclass(frozen=True)
class ToolUse:
    """A tool_use block; its input is kept as JSON text, since a cut one is no longer JSON."""

    name: str
    json: str
    kind: ClassVar[str] = "tool_use"

    @property
    def tokens(self) -> int:
        return estimate(self.name + self.json)

    def cut(self, tokens: int) -> "ToolUse":
        """Keep the first so many tokens of the input."""
        return replace(self, json=self.json[: max(0, chars_for(tokens) - len(self.name))])

    def param(self, ident: str) -> dict[str, Any]:
        """Return the block as the API shows it; half an input is no input."""
        try:
            value = json.loads(self.json)
        except ValueError:
            value = {}
        return {"type": "tool_use", "id": ident, "name": self.name, "input": value}


type Block = Text | ToolUse


@dataclass(frozen=True)
class OfflineReply:
    """One reply, before it has ids."""

    blocks: tuple[Block, ...] = ()
    stop_reason: str = "end_turn"
    stop_sequence: str | None = None
    stop_details: dict[str, Any] | None = None

    @property
    def tokens(self) -> int:
        """What the reply costs to write; even silence costs one."""
        return max(1, sum(block.tokens for block in self.blocks))


def say(text: str, *, word_tokens: bool = False) -> OfflineReply:
    """Answer in words."""
    return OfflineReply((Text(text, word_tokens),))


def ask_for(calls: Iterable[Call]) -> OfflineReply:
    """Ask for tools, saying first what for."""
    calls = list(calls)
    saying = " ".join(dict.fromkeys(call.saying for call in calls if call.saying))
    words = (Text(f"{saying}\n\n"),) if saying else ()
    uses = tuple(ToolUse(call.name, dumps(call.input)) for call in calls)
    return OfflineReply(words + uses, "tool_use")


def fit(reply: OfflineReply, max_tokens: int, stop_sequences: list[str]) -> OfflineReply:
    """Stop where the request says to stop: at a stop sequence, or at max_tokens."""
    for sequence in stop_sequences:
        reply = stop_at(reply, sequence)
    if max_tokens and reply.tokens <= max_tokens:
        return reply
    return OfflineReply(tuple(cut_blocks(reply.blocks, max_tokens)), "max_tokens")


def stop_at(reply: OfflineReply, sequence: str) -> OfflineReply:
    """End the reply before a stop sequence, if it comes up in its words."""
    for number, block in enumerate(reply.blocks):
        if isinstance(block, Text) and sequence in block.text:
            last = replace(block, text=block.text.partition(sequence)[0])
            kept = reply.blocks[:number] + ((last,) if last.text else ())
            return OfflineReply(kept, "stop_sequence", stop_sequence=sequence)
    return reply


def cut_blocks(blocks: Iterable[Block], tokens: int) -> Iterable[Block]:
    """Yield the blocks that so many tokens allow, the last one in part."""
    for block in blocks:
        if tokens <= 0:
            return
        yield block if block.tokens <= tokens else block.cut(tokens)
        tokens -= block.tokens


def message(ask: OfflineRequest, reply: OfflineReply) -> dict[str, Any]:
    """Return the API's message; the same request always gets the same ids."""
    mark = fingerprint(ask)
    return {
        "id": f"msg_offline_{mark}",
        "type": "message",
        "role": "assistant",
        "model": ask.model,
        "content": [block.param(f"toolu_{mark}{number:02}") for number, block in enumerate(reply.blocks)],
        "stop_reason": reply.stop_reason,
        "stop_sequence": reply.stop_sequence,
        "stop_details": reply.stop_details,
        "usage": usage(ask, reply.tokens),
    }


def usage(ask: OfflineRequest, output_tokens: int) -> dict[str, Any]:
    """Count tokens as the API does; nothing is ever cached here."""
    return {
        "input_tokens": ask.input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output_tokens,
        "service_tier": "standard",
    }


def fingerprint(ask: OfflineRequest) -> str:
    """Hash what was asked; streamed or not makes no difference."""
    asked = dumps([ask.model, ask.max_tokens, ask.tool_choice, ask.stop_sequences])
    return hashlib.sha256((asked + ask.written).encode()).hexdigest()[:24]


def dumps(value: Any) -> str:
    """Write JSON the same way every time."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
