"""One request to /v1/messages, read once: who asks what, with which tools, at which turn."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from agents.offline import attachments, history
from agents.offline.attachments import AttachedFile
from agents.offline.history import Step
from agents.offline.token_estimate import estimate
from agents.offline.validation import BadRequest, check
from agents.protocol import media


@dataclass(frozen=True)
class OfflineRequest:
    """A checked request."""

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
        """Where the person speaks."""
        return history.prompts(self.messages, self.must_answer)

    @property
    def later(self) -> list[dict[str, Any]]:
        """The messages since the person's last words, these included."""
        return self.messages[self.prompts[-1] :]

    @cached_property
    def text(self) -> str:
        """The person's last words, without the notes that the engine adds in tags."""
        return history.plain_text(self.later[0])

    @cached_property
    def files(self) -> list[AttachedFile]:
        """The files that came with those words."""
        return attachments.files(self.later[0])

    @cached_property
    def steps(self) -> list[Step]:
        """The tool calls made since those words, with their results."""
        return history.steps(self.later)

    @cached_property
    def turn(self) -> int:
        """Which reply to those words this one is, from 1."""
        return 1 + len([message for message in self.later if message["role"] == "assistant"])

    @property
    def conversation(self) -> str:
        """A name for this conversation and the place in it that stays while its turns go by."""
        return history.conversation(self.messages, len(self.prompts))

    @property
    def must_answer(self) -> bool:
        """Whether tools may be seen but not called."""
        return bool(self.tool_choice["type"] == "none")

    @property
    def offered(self) -> dict[str, dict[str, Any]]:
        """The tools by name."""
        return {tool["name"]: tool for tool in self.tools}

    @property
    def input_tokens(self) -> int:
        """What the request costs to read."""
        light = self._write(media.without_bytes(self.messages))
        return estimate(light) + sum(map(media.tokens, media.heavy_in(self.messages)))

    @cached_property
    def written(self) -> str:
        """What there is to read, written the same way every time."""
        return self._write(self.messages)

    def _write(self, messages: list[dict[str, Any]]) -> str:
        return json.dumps([self.system, messages, self.tools], ensure_ascii=False, sort_keys=True)


def read(body: bytes, *, counting: bool = False) -> OfflineRequest:
    """Read a request body, or raise BadRequest."""
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
    """Join the system prompt and the system messages among the turns."""
    parts = [data.get("system") or ""]
    parts += [message["content"] for message in data["messages"] if message["role"] == "system"]
    return "\n\n".join(history.flat(part) for part in parts if part)
