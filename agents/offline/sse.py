"""A message as the events of a stream: the six named ones and a ping."""

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
        """Whether it carries a piece of the reply."""
        return self.name == "content_block_delta"

    def encode(self) -> bytes:
        """Return the bytes on the wire."""
        data = {"type": self.name, **self.data}
        return f"event: {self.name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


def events(message: dict[str, Any], reply: OfflineReply, words: int = WORDS_PER_DELTA) -> Iterator[SseEvent]:
    """Yield the whole stream of a message, its text in deltas of a few words."""
    yield SseEvent("message_start", {"message": opened(message)})
    yield SseEvent("ping", {})
    for index, (block, param) in enumerate(zip(reply.blocks, message["content"], strict=True)):
        yield from block_events(index, block, param, words)
    yield SseEvent("message_delta", closing(message))
    yield SseEvent("message_stop", {})


def opened(message: dict[str, Any]) -> dict[str, Any]:
    """Return the message as it stands before a word of it is said."""
    silent: dict[str, Any] = {"content": [], "stop_reason": None, "stop_sequence": None, "stop_details": None}
    return {**message, **silent, "usage": {**message["usage"], "output_tokens": 1}}


def block_events(index: int, block: Block, param: dict[str, Any], words: int) -> Iterator[SseEvent]:
    """Yield one block: its start, its pieces, its end."""
    empty: dict[str, Any] = {"text": ""} if isinstance(block, Text) else {"input": {}}
    yield SseEvent("content_block_start", {"index": index, "content_block": {**param, **empty}})
    for delta in deltas(block, words):
        yield SseEvent("content_block_delta", {"index": index, "delta": delta})
    yield SseEvent("content_block_stop", {"index": index})


def deltas(block: Block, words: int) -> Iterator[dict[str, Any]]:
    """Yield the pieces of a block; joined they are the block, to the character."""
    if isinstance(block, Text):
        for piece in pieces(block.text, words):
            yield {"type": "text_delta", "text": piece}
    else:
        for start in range(0, len(block.json), JSON_CHARS_PER_DELTA):
            part = block.json[start : start + JSON_CHARS_PER_DELTA]
            yield {"type": "input_json_delta", "partial_json": part}


def pieces(text: str, words: int) -> Iterator[str]:
    """Split text after every so many words, keeping all white space."""
    found = re.findall(r"\s*\S+|\s+$", text)
    for start in range(0, len(found), words):
        yield "".join(found[start : start + words])


def closing(message: dict[str, Any]) -> dict[str, Any]:
    """Return the end of the message: why it stopped, and the usage so far, which is all of it."""
    reasons = {key: message[key] for key in ("stop_reason", "stop_sequence", "stop_details")}
    counted = {key: count for key, count in message["usage"].items() if key.endswith("_tokens")}
    return {"delta": reasons, "usage": counted}
