"""Builds the arguments of a request to the Messages API, for the provider and for other servers.

The parts are ordered by how rarely they change: tools, system, conversation. The provider caches up to the
cache marks; other servers cache by prefix without marks, and some reject unknown fields. None of them takes
documents.
"""

from typing import Any

from agents.protocol.media import without_documents
from agents.runtimes.anthropic.valid_messages import to_valid_messages
from agents.runtimes.base import Message, Request

CACHE_CONTROL = {"type": "ephemeral"}


def build_arguments(request: Request, *, is_provider: bool) -> dict[str, Any]:
    """Return the arguments of `messages.stream`; `is_provider` adds what only the provider's own API
    supports.
    """
    messages = to_valid_messages(request.messages)
    arguments: dict[str, Any] = {
        "model": request.model,
        "max_tokens": request.max_tokens,
        "messages": _with_cache_mark(messages) if is_provider else without_documents(messages),
    }
    if request.system:
        arguments["system"] = _system(request.system) if is_provider else request.system
    if request.tools:
        arguments |= {
            "tools": request.tools,
            "tool_choice": {"type": "auto" if request.can_call_tools else "none"},
        }
    if is_provider and request.effort:
        thinking = {"type": "adaptive", "display": "summarized"}
        arguments |= {"thinking": thinking, "output_config": {"effort": request.effort}}
    return arguments


def _system(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text, "cache_control": CACHE_CONTROL}]


def _with_cache_mark(messages: list[Message]) -> list[Message]:
    """Mark the end of what the next turn sends again: the last user message without its clock."""
    if not messages or messages[-1]["role"] != "user":
        return messages
    *earlier, last = messages
    blocks = list(last["content"])
    index = max((n for n, block in enumerate(blocks) if not _is_volatile(block)), default=len(blocks) - 1)
    blocks[index] = blocks[index] | {"cache_control": CACHE_CONTROL}
    return [*earlier, last | {"content": blocks}]


def _is_volatile(block: dict[str, Any]) -> bool:
    return block["type"] == "text" and str(block["text"]).startswith("<stagent-clock>")
