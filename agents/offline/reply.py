"""One reply of the model, and the API message built from it."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from agents.offline.request import OfflineRequest, chars_for_tokens, estimate_tokens
from agents.offline.script import Call


@dataclass(frozen=True)
class Text:
    """A text block; `word_tokens` counts every word as one token, for `tokens=N`."""

    text: str
    word_tokens: bool = False
    kind: ClassVar[str] = "text"

    @property
    def tokens(self) -> int:
        return len(self.text.split()) if self.word_tokens else estimate_tokens(self.text)

    def cut(self, tokens: int) -> "Text":
        """Return the first so many tokens."""
        text = (
            " ".join(self.text.split()[:tokens])
            if self.word_tokens
            else self.text[: chars_for_tokens(tokens)]
        )
        return replace(self, text=text)

    def param(self, ident: str) -> dict[str, Any]:
        return {"type": "text", "text": self.text, "citations": None}


@dataclass(frozen=True)
class ToolUse:
    """A tool_use block; the input is JSON text, because it can be cut anywhere."""

    name: str
    json: str
    kind: ClassVar[str] = "tool_use"

    @property
    def tokens(self) -> int:
        return estimate_tokens(self.name + self.json)

    def cut(self, tokens: int) -> "ToolUse":
        """Return the block with the first so many tokens of the input."""
        return replace(self, json=self.json[: max(0, chars_for_tokens(tokens) - len(self.name))])

    def param(self, ident: str) -> dict[str, Any]:
        """Return the API block; a truncated input becomes an empty one."""
        try:
            value = json.loads(self.json)
        except ValueError:
            value = {}
        return {"type": "tool_use", "id": ident, "name": self.name, "input": value}


type Block = Text | ToolUse


@dataclass(frozen=True)
class OfflineReply:
    """One reply, without ids."""

    blocks: tuple[Block, ...] = ()
    stop_reason: str = "end_turn"
    stop_sequence: str | None = None
    stop_details: dict[str, Any] | None = None

    @property
    def tokens(self) -> int:
        """The number of output tokens, at least 1."""
        return max(1, sum(block.tokens for block in self.blocks))


def text_reply(text: str, *, word_tokens: bool = False) -> OfflineReply:
    """Return a reply with one text block."""
    return OfflineReply((Text(text, word_tokens),))


def tool_reply(calls: Iterable[Call]) -> OfflineReply:
    """Return a reply with tool calls, after their texts."""
    calls = list(calls)
    text = " ".join(dict.fromkeys(call.text_before for call in calls if call.text_before))
    texts = (Text(f"{text}\n\n"),) if text else ()
    uses = tuple(ToolUse(call.name, dumps(call.input)) for call in calls)
    return OfflineReply(texts + uses, "tool_use")


def apply_limits(reply: OfflineReply, max_tokens: int, stop_sequences: list[str]) -> OfflineReply:
    """Cut the reply at a stop sequence or at max_tokens of the request."""
    for sequence in stop_sequences:
        reply = cut_at_stop_sequence(reply, sequence)
    if max_tokens and reply.tokens <= max_tokens:
        return reply
    return OfflineReply(tuple(cut_blocks(reply.blocks, max_tokens)), "max_tokens")


def cut_at_stop_sequence(reply: OfflineReply, sequence: str) -> OfflineReply:
    """Cut the reply before a stop sequence, if its text contains it."""
    for number, block in enumerate(reply.blocks):
        if isinstance(block, Text) and sequence in block.text:
            last = replace(block, text=block.text.partition(sequence)[0])
            blocks = reply.blocks[:number] + ((last,) if last.text else ())
            return OfflineReply(blocks, "stop_sequence", stop_sequence=sequence)
    return reply


def cut_blocks(blocks: Iterable[Block], tokens: int) -> Iterable[Block]:
    """Yield blocks up to so many tokens; the last one can be cut."""
    for block in blocks:
        if tokens <= 0:
            return
        yield block if block.tokens <= tokens else block.cut(tokens)
        tokens -= block.tokens


def build_message(request: OfflineRequest, reply: OfflineReply) -> dict[str, Any]:
    """Build the API message; the same request always gets the same ids."""
    digest = request_digest(request)
    return {
        "id": f"msg_offline_{digest}",
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "content": [block.param(f"toolu_{digest}{number:02}") for number, block in enumerate(reply.blocks)],
        "stop_reason": reply.stop_reason,
        "stop_sequence": reply.stop_sequence,
        "stop_details": reply.stop_details,
        "usage": usage(request, reply.tokens),
    }


def usage(request: OfflineRequest, output_tokens: int) -> dict[str, Any]:
    """Return the usage as the API does; nothing is cached."""
    return {
        "input_tokens": request.input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output_tokens,
        "service_tier": "standard",
    }


def request_digest(request: OfflineRequest) -> str:
    """Return a hash of the request, the same with and without streaming."""
    options = dumps([request.model, request.max_tokens, request.tool_choice, request.stop_sequences])
    return hashlib.sha256((options + request.canonical_json).encode()).hexdigest()[:24]


def dumps(value: Any) -> str:
    """Return canonical JSON."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
