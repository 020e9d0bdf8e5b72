"""Builds a reply from the events of the Messages API and yields its new text.

The arguments of a call are stored as text and parsed strictly once the block is complete. Arguments that
cannot be parsed stay text, which no tool accepts: the model gets an error, and nothing is called.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from agents.protocol.reply import Reply
from agents.protocol.usage import Usage, estimate_tokens
from agents.runtimes.anthropic.event_stream import ServerSentEvent
from agents.runtimes.anthropic.protocol_errors import (
    GarbledStream,
    ProviderError,
    is_chat_completion,
    no_messages_api,
)
from agents.runtimes.base import Delta
from agents.tools.strict_json import NotJson, parse
from stagent.lib.text import shorten, to_storable

type Json = dict[str, Any]

CALL_TYPES = ("tool_use", "server_tool_use")
END_MARKER = "[DONE]"  # ends a stream of other APIs
# Deltas with text, and the field of the block that each extends.
TEXT_DELTAS = {"text_delta": "text", "thinking_delta": "thinking"}
COUNT_FIELDS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


@dataclass
class _Block:
    """One block in progress; `parts` are of its text or thinking, `arguments` of its arguments."""

    start: Json
    parts: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    half_character: str = ""  # the first half of a surrogate pair
    is_whole: bool = False

    @property
    def kind(self) -> str:
        return str(self.start["type"])

    def add(self, text: str) -> str:
        """Add to the text and return the part that can be shown."""
        self.parts.append(text)
        text = self.half_character + text
        cut = len(text) - 1 if text and "\ud800" <= text[-1] <= "\udbff" else len(text)
        shown, self.half_character = text[:cut], text[cut:]
        return str(to_storable(shown))

    def end(self) -> str:
        """Complete the block and return the rest of its text."""
        self.is_whole = True
        half_character, self.half_character = self.half_character, ""
        return str(to_storable(half_character))

    def content(self) -> Json:
        """Return the block as the API would have sent it unstreamed."""
        block = {name: value for name, value in self.start.items() if value is not None}
        if self.kind in ("text", "thinking"):
            block[self.kind] = "".join(self.parts)
        elif self.kind in CALL_TYPES:
            block["input"] = self._arguments()
        return dict(to_storable(block))

    def _arguments(self) -> Any:
        text = "".join(self.arguments)
        if not text.strip():
            return self.start.get("input") or ({} if self.is_whole else "")  # "": they were truncated
        try:
            value = parse(text)
        except NotJson:
            return text
        return text if isinstance(value, str) else value


class MessageBuilder:
    """Builds one reply from events in order."""

    def __init__(self, model: str, host: str, request_id: str = "") -> None:
        self.has_ended = False  # message_stop was sent
        self.host, self.request_id = host, request_id
        self._model = model
        self._message: Json | None = None
        self._blocks: dict[int, _Block] = {}
        self._counts: dict[str, int] = {}
        self._has_output_count = False  # the provider has counted the output
        self._chars = 0

    def add_event(self, event: ServerSentEvent) -> Iterator[Delta]:
        """Process an event and yield its text. Unknown kinds of events and deltas are ignored."""
        if event.data.strip() == END_MARKER:
            return
        data = self._read(event)
        match data.get("type") or event.name:
            case "message_start":
                yield from self._start(_object(data, "message"))
            case "content_block_start":
                yield from self._open(_index(data), _object(data, "content_block"))
            case "content_block_delta":
                yield from self._add(self._block(data), _object(data, "delta"))
            case "content_block_stop":
                yield from self._close(self._block(data))
            case "message_delta":
                self._finish(data)
            case "message_stop":
                self.has_ended = True

    def add_message(self, message: Json) -> Iterator[Delta]:
        """Process a reply that was not streamed."""
        yield from self._start(message)
        for block in self._blocks.values():
            yield from self._close(block)
        self._finish({"delta": message, "usage": message.get("usage")})
        self.has_ended = True

    def so_far(self) -> Reply | None:
        """Return the reply received so far, its tokens estimated until the provider has counted them."""
        if self._message is None:
            return None
        details = self._message.get("stop_details")
        return Reply(
            content=[block.content() for block in self._blocks.values()],
            stop_reason=self._message.get("stop_reason"),
            usage=self._usage(),
            model=str(self._message.get("model") or self._model),
            stop_details=to_storable(details) if isinstance(details, dict) else None,
            estimated=not self._has_output_count,
            request_id=self.request_id,
        )

    def check_end(self) -> None:
        """Raise if the message ended properly but without a stop reason."""
        if self.has_ended and self._message is not None and self._message.get("stop_reason") is None:
            raise GarbledStream(f"{self.host} ended its reply without a stop_reason.")

    def _read(self, event: ServerSentEvent) -> Json:
        try:
            data = json.loads(event.data)
        except (ValueError, RecursionError):
            data = None
        error = data.get("error") if isinstance(data, dict) else None
        if event.name == "error" or (error and data.get("type", "error") == "error"):
            raise ProviderError(error or event.data, self.request_id)
        if not isinstance(data, dict):
            raise GarbledStream(
                f"{self.host} sent an event that cannot be parsed: {shorten(event.data, 100)}"
            )
        if is_chat_completion(data) and "type" not in data:
            raise no_messages_api(self.host, "it streams chat completions")
        return data

    def _start(self, message: Json) -> Iterator[Delta]:
        if self._message is not None:
            raise GarbledStream(f"{self.host} started a second message in one reply.")
        self._message = {"model": message.get("model"), "stop_reason": None, "stop_details": None}
        self._count(message.get("usage"))
        yield Delta("")
        for index, block in enumerate(message.get("content") or ()):
            yield from self._open(index, block)

    def _open(self, index: int, block: Any) -> Iterator[Delta]:
        if self._message is None:
            raise GarbledStream(f"{self.host} sent a block before its message.")
        if index in self._blocks or not isinstance(block, dict) or not isinstance(block.get("type"), str):
            raise GarbledStream(f"{self.host} sent a block twice or without a type, number {index}.")
        opened = self._blocks[index] = _Block(
            _ensure_id(block) if block["type"] in CALL_TYPES else dict(block)
        )
        if opened.kind in ("text", "thinking") and (text := block.get(opened.kind)):
            yield from self._add_text(opened, text)

    def _block(self, data: Json) -> _Block:
        try:
            return self._blocks[_index(data)]
        except KeyError:
            raise GarbledStream(f"{self.host} continued a block that it had not started.") from None

    def _add(self, block: _Block, delta: Json) -> Iterator[Delta]:
        kind = delta.get("type")
        if TEXT_DELTAS.get(str(kind)) == block.kind:
            yield from self._add_text(block, delta.get(block.kind))
        elif kind == "input_json_delta" and block.kind in CALL_TYPES:
            arguments = _text(delta.get("partial_json"))
            self._chars += len(arguments)
            block.arguments.append(arguments)
        elif kind == "signature_delta" and block.kind == "thinking":
            block.start["signature"] = delta.get("signature")
        elif kind == "citations_delta" and block.kind == "text":
            block.start["citations"] = [*(block.start.get("citations") or ()), delta.get("citation")]

    def _add_text(self, block: _Block, text: Any) -> Iterator[Delta]:
        text = _text(text)
        self._chars += len(text)
        if shown := block.add(text):
            yield Delta(shown, thinking=block.kind == "thinking")

    def _close(self, block: _Block) -> Iterator[Delta]:
        if text := block.end():
            yield Delta(text, thinking=block.kind == "thinking")

    def _finish(self, data: Json) -> None:
        if self._message is None:
            raise GarbledStream(f"{self.host} ended a message that it had not started.")
        delta = data.get("delta")
        if isinstance(delta, dict):
            known = {name: delta.get(name) for name in ("stop_reason", "stop_details")}
            self._message |= {name: value for name, value in known.items() if value is not None}
        # Counts are cumulative; those that do not apply are missing.
        self._has_output_count |= "output_tokens" in self._count(data.get("usage"))

    def _count(self, usage: Any) -> dict[str, int]:
        counts = usage if isinstance(usage, dict) else {}
        known = {name: int(counts[name]) for name in COUNT_FIELDS if _is_count(counts.get(name))}
        self._counts |= known
        return known

    def _usage(self) -> Usage:
        counted = {name: self._counts.get(name, 0) for name in COUNT_FIELDS}
        output = counted["output_tokens"]
        return Usage(
            input=counted["input_tokens"],
            output=output if self._has_output_count else max(output, estimate_tokens(self._chars)),
            cache_read=counted["cache_read_input_tokens"],
            cache_write=counted["cache_creation_input_tokens"],
        )


def _object(data: Json, name: str) -> Json:
    value = data.get(name)
    if not isinstance(value, dict):
        raise GarbledStream(f"An event of the stream has no {name!r}.")
    return value


def _index(data: Json) -> int:
    index = data.get("index")
    if not isinstance(index, int):
        raise GarbledStream("An event of the stream does not name its block.")
    return index


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _is_count(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**53


def _ensure_id(block: Json) -> Json:
    """Add an id to a call; some servers omit it."""
    has_id = block.get("id") and isinstance(block["id"], str)
    return {"name": ""} | block | ({} if has_id else {"id": f"toolu_{uuid4().hex}"})
