"""One parsed request to /v1/messages: messages, tools and turn."""

import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from agents.offline import attachments, history
from agents.offline.attachments import AttachedFile
from agents.offline.history import Step
from agents.offline.validation import BadRequest, check
from agents.protocol import media
from agents.protocol.usage import CHARS_PER_TOKEN


@dataclass(frozen=True)
class OfflineRequest:
    """A validated request."""

    model: str
    messages: list[dict[str, Any]]
    max_tokens: int = 0
    system: str = ""
    tools: list[dict[str, Any]] = field(default_factory=list)
    tool_choice: dict[str, Any] = field(default_factory=lambda: {"type": "auto"})
    stop_sequences: list[str] = field(default_factory=list)
    stream: bool = False

    @cached_property
    def prompts(self) -> list[int]:
        """The indexes of the prompts."""
        return history.prompts(self.messages, self.must_answer)

    @property
    def current_messages(self) -> list[dict[str, Any]]:
        """The messages since the last prompt, including it."""
        return self.messages[self.prompts[-1] :]

    @cached_property
    def text(self) -> str:
        """The last prompt, without the notes that the engine adds in tags."""
        return history.plain_text(self.current_messages[0])

    @cached_property
    def files(self) -> list[AttachedFile]:
        """The files attached to the last prompt."""
        return attachments.files(self.current_messages[0])

    @cached_property
    def steps(self) -> list[Step]:
        """The tool calls since the last prompt, with their results."""
        return history.steps(self.current_messages)

    @cached_property
    def turn(self) -> int:
        """The number of this reply to the last prompt, from 1."""
        return 1 + len([message for message in self.current_messages if message["role"] == "assistant"])

    @property
    def conversation(self) -> str:
        """A key for this conversation and prompt, the same for all turns."""
        return history.conversation(self.messages, len(self.prompts))

    @property
    def must_answer(self) -> bool:
        """Whether tools are listed but cannot be called."""
        return bool(self.tool_choice["type"] == "none")

    @property
    def offered(self) -> dict[str, dict[str, Any]]:
        """The tools by name."""
        return {tool["name"]: tool for tool in self.tools}

    @property
    def input_tokens(self) -> int:
        """The estimated number of input tokens."""
        without_media = self._dump(media.without_media_data(self.messages))
        return estimate_tokens(without_media) + sum(map(media.tokens, media.media_blocks(self.messages)))

    @cached_property
    def canonical_json(self) -> str:
        """The system prompt, messages and tools as canonical JSON."""
        return self._dump(self.messages)

    def _dump(self, messages: list[dict[str, Any]]) -> str:
        return json.dumps([self.system, messages, self.tools], ensure_ascii=False, sort_keys=True)


def parse_request(body: bytes, *, counting: bool = False) -> OfflineRequest:
    """Parse and validate a request body; raise BadRequest if it is invalid."""
    try:
        data = json.loads(body)
    except ValueError as error:
        raise BadRequest(f"The request body is not valid JSON: {error}") from error
    check(data, counting=counting)
    return OfflineRequest(
        model=data["model"],
        max_tokens=data.get("max_tokens", 0),
        messages=[message for message in data["messages"] if message["role"] != "system"],
        system=system_text(data),
        tools=data.get("tools") or [],
        tool_choice=data.get("tool_choice") or {"type": "auto"},
        stop_sequences=data.get("stop_sequences") or [],
        stream=bool(data.get("stream")),
    )


def system_text(data: dict[str, Any]) -> str:
    """Return the system prompt and all system messages."""
    parts = [data.get("system") or ""]
    parts += [message["content"] for message in data["messages"] if message["role"] == "system"]
    return "\n\n".join(history.content_text(part) for part in parts if part)


def estimate_tokens(text: str) -> int:
    """Return the estimated tokens of a text, at least 1."""
    return max(1, math.ceil(len(text) / CHARS_PER_TOKEN))


def chars_for_tokens(tokens: int) -> int:
    """Return the number of characters in so many tokens."""
    return int(tokens * CHARS_PER_TOKEN)
