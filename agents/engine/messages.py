"""The messages of a run as they grow: what goes to the model, and how long that is."""

from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any

from agents.protocol.media import weight
from agents.protocol.reply import given_back, tool_result
from agents.protocol.usage import Usage, estimate, size
from agents.tools.base import ToolResult
from agents.transcripts.history import Message
from stagent.lib.text import to_storable

RECENT_RESULTS = 6  # the latest tool results are never cleared away
SHORTEST_CLEARED = 400  # characters; shorter results stay
CLEARED = "[Cleared to save room: {:,} characters. Call the tool again if they matter.]"


class PromptMessages:
    """A list of messages and a running estimate of its tokens, exact whenever the provider has counted."""

    def __init__(
        self,
        system: str,
        tools: Sequence[dict[str, Any]],
        messages: Iterable[Message],
        earlier: Iterable[Message] = (),
    ) -> None:
        before = [_own(message) for message in earlier]
        self.messages = [*before, *(_own(message) for message in messages)]
        self._earlier = len(before)  # of the messages: what was said before the prompt
        self._counted = 0  # as the provider counted it last
        self._chars = size(system) + size(tools) + weight(self.messages)  # since then

    @property
    def tokens(self) -> int:
        return self._counted + estimate(self._chars)

    @property
    def is_users_turn(self) -> bool:
        """Whether the last message is the user's, so that words can be added to it."""
        return bool(self.messages) and self.messages[-1]["role"] == "user"

    def say(self, text: str) -> None:
        """Add words to the last user message, or begin one."""
        self._add_user([{"type": "text", "text": to_storable(text)}])

    def note(self, text: str, tag: str = "stagent-note") -> None:
        """Add words of the engine's own, told apart from the user's."""
        self.say(f"<{tag}>{text}</{tag}>")

    def add_reply(self, content: list[dict[str, Any]], usage: Usage) -> None:
        """Add what the model said; its usage counts everything up to here."""
        self.messages.append({"role": "assistant", "content": given_back(content)})
        if usage.read:
            self._counted, self._chars = usage.total, 0
        else:  # some local servers count nothing
            self._chars += size(content)

    def add_results(self, results: Iterable[tuple[str, ToolResult]]) -> None:
        """Add the results of all tools in one message, as providers demand."""
        self._add_user([tool_result(call_id, result.text, result.is_error) for call_id, result in results])

    def clear_old_results(self, target: int) -> int:
        """Empty the oldest tool results until the estimate fits the target; return how many were emptied."""
        cleared = 0
        for block in self._old_results():
            if self.tokens <= target:
                break
            before = size(block["content"])
            block["content"] = CLEARED.format(len(block["content"]))
            self._chars -= before - size(block["content"])
            cleared += 1
        return cleared

    def forget_oldest(self, target: int) -> int:
        """Leave out the oldest messages before the prompt until the estimate fits; return how many went."""
        forgotten = 0
        while self._earlier and (self.tokens > target or (forgotten and not _begins(self.messages[0]))):
            self._chars -= weight([self.messages.pop(0)])
            self._earlier -= 1
            forgotten += 1
        return forgotten

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
        self._chars += size(blocks)


def _own(message: Message) -> Message:
    """Copy a message, its content as a list of blocks of our own."""
    content = message["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else [copy(b) for b in content]
    return {"role": message["role"], "content": blocks}


def _begins(message: Message) -> bool:
    """Tell whether a conversation may begin with this message: no answer, no results of calls left out."""
    return message["role"] == "user" and all(block["type"] != "tool_result" for block in message["content"])


def _is_long(text: str) -> bool:
    return len(text) >= SHORTEST_CLEARED
