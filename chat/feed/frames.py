"""The wire: how an event of a reply's log looks to a client. The socket and the HTTP log show the same."""

from collections.abc import Callable
from typing import Any

from agents.protocol.events import (
    Finished,
    Notice,
    TextDelta,
    ThinkingDelta,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    TurnStarted,
)
from chat.feed.events import FeedEvent, Finalised, Started
from stagent.lib.text import clip

type Data = dict[str, Any]
type Frame = dict[str, Any]

LONGEST_RESULT = 20_000  # characters of a tool's result; the rest is in the run's transcript


def frame_of(message_id: int, seq: int, kind: str, data: Data) -> Frame:
    """Return the frame of an event of a reply; of a kind that is not known here, one with just its name."""
    shown = SHAPES[kind](data) if kind in SHAPES else {"type": kind}
    return {"message_id": str(message_id), "seq": seq} | shown


def feed_frame(seq: int, data: Data) -> Frame:
    """Return the frame of a person's news, numbered by the feed: `seq` counts the frames of one message."""
    message_id = data.get("message_id")
    return {
        "type": "feed",
        "feed_seq": seq,
        "what": data.get("what", ""),
        "conversation_id": str(data.get("conversation_id", "")),
        "message_id": None if message_id is None else str(message_id),
    }


def snapshot(message_id: int, seq: int, text: str, status: str) -> Frame:
    """Return the frame that replaces all that a client has of a reply."""
    return {"type": "snapshot", "message_id": str(message_id), "seq": seq, "text": text, "status": status}


def error(code: str, message: str, **more: Any) -> Frame:
    return {"type": "error", "code": code, "message": message, **more}


def _take(name: str, *fields: str) -> Callable[[Data], Frame]:
    """Show these fields as they are."""
    return lambda data: {"type": name} | {field: data.get(field) for field in fields}


def _tool_finished(data: Data) -> Frame:
    result = str(data.get("result", ""))
    cut = clip(result, LONGEST_RESULT, "\n[cut here]")
    shown = _take("tool_finished", "call_id", "name", "is_error", "duration_ms")(data)
    return shown | {"result": cut}


def _usage(data: Data) -> Frame:
    usage = data.get("usage", {})
    read = sum(usage.get(name, 0) for name in ("input", "cache_read", "cache_write"))
    shown = _take("usage", "turn", "model", "stop_reason", "estimated")(data)
    cost = data.get("cost_usd")
    cost_usd = None if cost is None else float(cost)
    return shown | {"input_tokens": read, "output_tokens": usage.get("output", 0), "cost_usd": cost_usd}


SHAPES: dict[str, Callable[[Data], Frame]] = {
    Started.kind: _take("started", "model", "profile"),
    TurnStarted.kind: _take("turn", "turn"),
    TextDelta.kind: _take("delta", "text"),
    ThinkingDelta.kind: _take("thinking", "text"),
    ToolStarted.kind: _take("tool_started", "call_id", "name", "arguments", "turn", "allowed"),
    ToolFinished.kind: _tool_finished,
    TurnFinished.kind: _usage,
    Notice.kind: _take("notice", "code", "text"),
    Finished.kind: _take("attempt", "outcome", "reason"),
    "approval_requested": _take(
        "approval", "approval_id", "call_id", "tool", "kind", "text", "card", "expires_at", "always_in"
    ),
    "approval_resolved": _take("approval_resolved", "approval_id", "status"),
    Finalised.kind: _take("final", "status", "reason", "notice", "sha256", "length"),
    FeedEvent.kind: _take("feed", "what"),
}
