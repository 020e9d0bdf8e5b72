"""The messages of a run as sent to the model, and their estimated size."""

from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any

from agents.protocol.media import count_prompt_chars
from agents.protocol.reply import to_request_content, tool_result
from agents.protocol.usage import Usage, count_chars, estimate_tokens
from agents.tools.base import ToolResult
from agents.transcripts.history import Message
from stagent.lib.text import to_storable

RECENT_RESULTS = 6  # the latest tool results are never cleared
MIN_CLEARED_CHARS = 400  # characters; shorter results stay
CLEARED = "[Cleared to save space: {:,} characters. Call the tool again if you need them.]"


class PromptMessages:
    """A list of messages and a running estimate of its tokens, exact after each count of the provider."""

    def __init__(
        self,
        system: str,
        tools: Sequence[dict[str, Any]],
        messages: Iterable[Message],
        earlier: Iterable[Message] = (),
    ) -> None:
        earlier_messages = [_copy(message) for message in earlier]
        self.messages = [*earlier_messages, *(_copy(message) for message in messages)]
        self._earlier = len(earlier_messages)  # how many messages precede the prompt
        self._counted = 0  # tokens, by the provider's latest count
        self._chars = (
            count_chars(system) + count_chars(tools) + count_prompt_chars(self.messages)
        )  # added since that count

    @property
    def tokens(self) -> int:
        return self._counted + estimate_tokens(self._chars)

    @property
    def is_users_turn(self) -> bool:
        """Whether the last message is the user's, so that text can be added to it."""
        return bool(self.messages) and self.messages[-1]["role"] == "user"

    def add_text(self, text: str) -> None:
        """Add text to the last user message, or start one."""
        self._add_user([{"type": "text", "text": to_storable(text)}])

    def add_note(self, text: str, tag: str = "stagent-note") -> None:
        """Add text of the engine, tagged to distinguish it from the user's."""
        self.add_text(f"<{tag}>{text}</{tag}>")

    def add_reply(self, content: list[dict[str, Any]], usage: Usage) -> None:
        """Add a reply of the model; its usage counts everything up to here."""
        self.messages.append({"role": "assistant", "content": to_request_content(content)})
        if usage.total_input:
            self._counted, self._chars = usage.total, 0
        else:  # some local servers return no counts
            self._chars += count_chars(content)

    def add_results(self, results: Iterable[tuple[str, ToolResult]]) -> None:
        """Add the results of all tools in one message, as providers require."""
        self._add_user([tool_result(call_id, result.text, result.is_error) for call_id, result in results])

    def clear_old_results(self, target: int) -> int:
        """Clear the oldest tool results until the estimate fits `target`; return how many."""
        cleared = 0
        for block in self._old_results():
            if self.tokens <= target:
                break
            before = count_chars(block["content"])
            block["content"] = CLEARED.format(len(block["content"]))
            self._chars -= before - count_chars(block["content"])
            cleared += 1
        return cleared

    def drop_oldest(self, target: int) -> int:
        """Drop the oldest messages before the prompt until the estimate fits `target`; return how many."""
        dropped = 0
        while self._earlier and (self.tokens > target or (dropped and not _can_be_first(self.messages[0]))):
            self._chars -= count_prompt_chars([self.messages.pop(0)])
            self._earlier -= 1
            dropped += 1
        return dropped

    def _old_results(self) -> list[dict[str, Any]]:
        blocks = (block for message in self.messages for block in message["content"])
        results = [block for block in blocks if block["type"] == "tool_result"][:-RECENT_RESULTS]
        return [
            block for block in results if isinstance(block["content"], str) and _is_long(block["content"])
        ]

    def _add_user(self, blocks: list[dict[str, Any]]) -> None:
        if not self.is_users_turn:
            self.messages.append({"role": "user", "content": []})
        self.messages[-1]["content"] += blocks
        self._chars += count_chars(blocks)


def _copy(message: Message) -> Message:
    """Copy a message with its content as a new list of blocks."""
    content = message["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else [copy(b) for b in content]
    return {"role": message["role"], "content": blocks}


def _can_be_first(message: Message) -> bool:
    """Return whether a conversation may start with this message: a user's, without tool results."""
    return message["role"] == "user" and all(block["type"] != "tool_result" for block in message["content"])


def _is_long(text: str) -> bool:
    return len(text) >= MIN_CLEARED_CHARS
