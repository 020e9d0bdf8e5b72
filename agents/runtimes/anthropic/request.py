"""The shape of a request to the Messages API, at the provider's own address and at other servers.

What comes first changes least: tools, system, the conversation. The provider caches up to the marks; other
servers cache by prefix without marks, and some refuse what they do not know; none of them takes documents.
"""

from typing import Any

from agents.protocol.media import without_documents
from agents.runtimes.anthropic.valid_messages import valid
from agents.runtimes.base import Message, Request

MARK = {"type": "ephemeral"}


def shape(request: Request, *, full: bool) -> dict[str, Any]:
    """Return the arguments of `messages.stream`; `full` with all that the provider's own API offers."""
    messages = valid(request.messages)
    arguments: dict[str, Any] = {
        "model": request.model,
        "max_tokens": request.max_tokens,
        "messages": _marked(messages) if full else without_documents(messages),
    }
    if request.system:
        arguments["system"] = _system(request.system) if full else request.system
    if request.tools:
        arguments |= {"tools": request.tools, "tool_choice": {"type": "auto" if request.may_call else "none"}}
    if full and request.effort:
        thinking = {"type": "adaptive", "display": "summarized"}
        arguments |= {"thinking": thinking, "output_config": {"effort": request.effort}}
    return arguments


def _system(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text, "cache_control": MARK}]


def _marked(messages: list[Message]) -> list[Message]:
    """Mark the end of what will be sent again at the next turn: the last user message but its clock."""
    if not messages or messages[-1]["role"] != "user":
        return messages
    *earlier, last = messages
    blocks = list(last["content"])
    where = max((n for n, block in enumerate(blocks) if not _is_volatile(block)), default=len(blocks) - 1)
    blocks[where] = blocks[where] | {"cache_control": MARK}
    return [*earlier, last | {"content": blocks}]


def _is_volatile(block: dict[str, Any]) -> bool:
    return block["type"] == "text" and str(block["text"]).startswith("<stagent-clock>")
