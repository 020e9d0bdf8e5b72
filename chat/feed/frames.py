"""Serializes events of the log as frames, for the socket and for the HTTP event log."""

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
    """Return the frame of a reply's event; for an unknown kind, a frame with its type only."""
    fields = SHAPES[kind](data) if kind in SHAPES else {"type": kind}
    return {"message_id": str(message_id), "seq": seq} | fields


def feed_frame(seq: int, data: Data) -> Frame:
    """Return the frame of a feed event; `feed_seq` is its number in the feed."""
    message_id = data.get("message_id")
    return {
        "type": "feed",
        "feed_seq": seq,
        "what": data.get("what", ""),
        "conversation_id": str(data.get("conversation_id", "")),
        "message_id": None if message_id is None else str(message_id),
    }


def snapshot(message_id: int, seq: int, text: str, status: str) -> Frame:
    """Return the frame that replaces everything a client has of a reply."""
    return {"type": "snapshot", "message_id": str(message_id), "seq": seq, "text": text, "status": status}


def error(code: str, message: str, **more: Any) -> Frame:
    return {"type": "error", "code": code, "message": message, **more}


def _copy_fields(name: str, *names: str) -> Callable[[Data], Frame]:
    """Return a serializer that copies these fields."""
    return lambda data: {"type": name} | {field: data.get(field) for field in names}


def _tool_finished(data: Data) -> Frame:
    result = str(data.get("result", ""))
    cut = clip(result, LONGEST_RESULT, "\n[cut here]")
    fields = _copy_fields("tool_finished", "call_id", "name", "is_error", "duration_ms")(data)
    return fields | {"result": cut}


def _usage(data: Data) -> Frame:
    usage = data.get("usage", {})
    input_tokens = sum(usage.get(name, 0) for name in ("input", "cache_read", "cache_write"))
    fields = _copy_fields("usage", "turn", "model", "stop_reason", "estimated")(data)
    cost = data.get("cost_usd")
    cost_usd = None if cost is None else float(cost)
    return fields | {
        "input_tokens": input_tokens,
        "output_tokens": usage.get("output", 0),
        "cost_usd": cost_usd,
    }


SHAPES: dict[str, Callable[[Data], Frame]] = {
    Started.kind: _copy_fields("started", "model", "profile"),
    TurnStarted.kind: _copy_fields("turn", "turn"),
    TextDelta.kind: _copy_fields("delta", "text"),
    ThinkingDelta.kind: _copy_fields("thinking", "text"),
    ToolStarted.kind: _copy_fields("tool_started", "call_id", "name", "arguments", "turn", "allowed"),
    ToolFinished.kind: _tool_finished,
    TurnFinished.kind: _usage,
    Notice.kind: _copy_fields("notice", "code", "text"),
    Finished.kind: _copy_fields("attempt", "outcome", "reason"),
    "approval_requested": _copy_fields(
        "approval", "approval_id", "call_id", "tool", "kind", "text", "card", "expires_at", "always_in"
    ),
    "approval_resolved": _copy_fields("approval_resolved", "approval_id", "status"),
    Finalised.kind: _copy_fields("final", "status", "reason", "notice", "sha256", "length"),
    FeedEvent.kind: _copy_fields("feed", "what"),
}
