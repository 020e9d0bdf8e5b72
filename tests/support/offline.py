"""Talks to the offline model through the real SDK, with fake tools."""

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import anthropic
import pytest
from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient
from anthropic.types import Message, ToolUseBlock

from agents.offline.response_stream import Sleep
from agents.offline.transport import OfflineTransport

type Answers = dict[str, Any]  # per tool: JSON, text, an exception, or a function of the input

MODEL = "claude-sonnet-5-5"
ALL_TOOLS = (
    "list_schedules get_schedule create_schedule update_schedule pause_schedule resume_schedule run_schedule "
    "cancel_run list_runs get_run forecast report list_files read_file write_file search_files http_get"
)


def client(transport: OfflineTransport | None = None, **options: Any) -> AsyncAnthropic:
    """Connect the SDK to an offline model, as the product does."""
    http = DefaultAsyncHttpxClient(transport=transport or OfflineTransport())
    return AsyncAnthropic(api_key="offline", http_client=http, max_retries=0, **options)


class Clock:
    """A fake sleep that records the durations."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def slow(clock: Clock) -> AsyncAnthropic:
    return client(OfflineTransport(sleep=clock.sleep))


def refused(text: str, via: AsyncAnthropic | None = None, **more: object) -> anthropic.APIStatusError:
    """Send a request and return the error."""
    with pytest.raises(anthropic.APIStatusError) as refusal:
        ask(text, via=via, **more)
    return refusal.value


def tools(names: Iterable[str]) -> list[dict[str, Any]]:
    """Return tool definitions with these names."""
    schema = {"type": "object", "properties": {"search": {"type": "string"}}}
    return [{"name": name, "description": name, "input_schema": schema} for name in names]


def user(text: str) -> Any:
    """Return the messages of a new conversation, as plain dicts."""
    return [{"role": "user", "content": text}]


def ask(messages: str | list[dict[str, Any]], *, via: AsyncAnthropic | None = None, **more: Any) -> Message:
    """Send one streaming request and return the message; errors of the SDK are raised."""
    return asyncio.run(stream(messages, via=via, **more))


async def stream(
    messages: str | list[dict[str, Any]], *, via: AsyncAnthropic | None = None, **more: Any
) -> Message:
    """Send one streaming request."""
    sent = user(messages) if isinstance(messages, str) else messages
    arguments: dict[str, Any] = {"model": MODEL, "max_tokens": 2000, "messages": sent} | more
    async with (via or client()).messages.stream(**arguments) as opened:
        return await opened.get_final_message()


def text_of(message: Message) -> str:
    """Return the text of a message."""
    return "".join(block.text for block in message.content if block.type == "text")


def calls_of(message: Message) -> list[ToolUseBlock]:
    """Return the tool calls of a message."""
    return [block for block in message.content if block.type == "tool_use"]


@dataclass
class Conversation:
    """A conversation up to the final answer."""

    messages: list[dict[str, Any]]
    replies: list[Message] = field(default_factory=list)

    @property
    def answer(self) -> str:
        return text_of(self.replies[-1])

    @property
    def calls(self) -> list[tuple[str, Any]]:
        """All tool calls with their inputs."""
        return [(call.name, call.input) for reply in self.replies for call in calls_of(reply)]


def converse(text: str, answers: Answers, *, sleep: Sleep = asyncio.sleep, **more: Any) -> Conversation:
    """Send a prompt and answer tool calls until there is a final answer."""
    conversation = Conversation([*more.pop("before", []), *user(text)])
    return asyncio.run(_continue(conversation, answers, client(OfflineTransport(sleep=sleep)), more))


async def _continue(
    conversation: Conversation, answers: Answers, via: AsyncAnthropic, more: dict[str, Any]
) -> Conversation:
    arguments = {"tools": tools(answers)} | more
    while not conversation.replies or calls_of(conversation.replies[-1]):
        reply = await stream(conversation.messages, via=via, **arguments)
        conversation.replies.append(reply)
        conversation.messages.append({"role": "assistant", "content": reply.to_param()["content"]})
        if calls := calls_of(reply):
            conversation.messages.append(
                {"role": "user", "content": [_result(call, answers) for call in calls]}
            )
    return conversation


def _result(call: ToolUseBlock, answers: Answers) -> dict[str, Any]:
    answer = answers.get(call.name, LookupError(f"There is no tool {call.name}."))
    if isinstance(answer, Callable):  # type: ignore[arg-type]
        answer = answer(call.input)
    return result(call.id, answer)


def result(ident: str, answer: Any) -> dict[str, Any]:
    """Return a tool_result block from JSON, text or an exception."""
    if isinstance(answer, Exception):
        return {"type": "tool_result", "tool_use_id": ident, "content": str(answer), "is_error": True}
    content = answer if isinstance(answer, str) else json.dumps(answer)
    return {"type": "tool_result", "tool_use_id": ident, "content": content}
