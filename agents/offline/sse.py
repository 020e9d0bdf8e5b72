"""Converts a message to server-sent events."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agents.offline.reply import Block, OfflineReply, Text

WORDS_PER_DELTA = 4
JSON_CHARS_PER_DELTA = 24


@dataclass(frozen=True)
class SseEvent:
    """One server-sent event."""

    name: str
    data: dict[str, Any]

    @property
    def is_delta(self) -> bool:
        return self.name == "content_block_delta"

    def encode(self) -> bytes:
        data = {"type": self.name, **self.data}
        return f"event: {self.name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


def events(message: dict[str, Any], reply: OfflineReply, words: int = WORDS_PER_DELTA) -> Iterator[SseEvent]:
    """Yield the events of a message, with its text in deltas of a few words."""
    yield SseEvent("message_start", {"message": message_at_start(message)})
    yield SseEvent("ping", {})
    for index, (block, param) in enumerate(zip(reply.blocks, message["content"], strict=True)):
        yield from block_events(index, block, param, words)
    yield SseEvent("message_delta", message_delta(message))
    yield SseEvent("message_stop", {})


def message_at_start(message: dict[str, Any]) -> dict[str, Any]:
    """Return the message without content, for message_start."""
    empty: dict[str, Any] = {"content": [], "stop_reason": None, "stop_sequence": None, "stop_details": None}
    return {**message, **empty, "usage": {**message["usage"], "output_tokens": 1}}


def block_events(index: int, block: Block, param: dict[str, Any], words: int) -> Iterator[SseEvent]:
    """Yield the events of one block."""
    empty: dict[str, Any] = {"text": ""} if isinstance(block, Text) else {"input": {}}
    yield SseEvent("content_block_start", {"index": index, "content_block": {**param, **empty}})
    for delta in deltas(block, words):
        yield SseEvent("content_block_delta", {"index": index, "delta": delta})
    yield SseEvent("content_block_stop", {"index": index})


def deltas(block: Block, words: int) -> Iterator[dict[str, Any]]:
    """Yield the deltas of a block; joined they are exactly the block."""
    if isinstance(block, Text):
        for piece in split_words(block.text, words):
            yield {"type": "text_delta", "text": piece}
    else:
        for start in range(0, len(block.json), JSON_CHARS_PER_DELTA):
            part = block.json[start : start + JSON_CHARS_PER_DELTA]
            yield {"type": "input_json_delta", "partial_json": part}


def split_words(text: str, words: int) -> Iterator[str]:
    """Split text after every so many words, keeping all whitespace."""
    words_with_space = re.findall(r"\s*\S+|\s+$", text)
    for start in range(0, len(words_with_space), words):
        yield "".join(words_with_space[start : start + words])


def message_delta(message: dict[str, Any]) -> dict[str, Any]:
    """Return the data of message_delta: stop reason and final usage."""
    reasons = {key: message[key] for key in ("stop_reason", "stop_sequence", "stop_details")}
    counted = {key: count for key, count in message["usage"].items() if key.endswith("_tokens")}
    return {"delta": reasons, "usage": counted}
