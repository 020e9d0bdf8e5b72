"""The parts of a reply in their order: thinking, text, tool calls.

They are built from the event log when the reply ends and stored as its outline, so listing messages reads no
logs.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from agents.models import Event
from agents.protocol.events import ApprovalRequested, TextDelta, ThinkingDelta, ToolStarted, TurnStarted
from chat.history.tool_calls import ShownIds

type EventRow = tuple[str, dict[str, Any], datetime]  # kind, data, at
type Outline = list[dict[str, Any]]


class PartKind(StrEnum):
    THINKING = "thinking"
    TEXT = "text"
    TOOL = "tool"


TEXT_KINDS = {TextDelta.kind: PartKind.TEXT, ThinkingDelta.kind: PartKind.THINKING}
PART_EVENTS = (
    *TEXT_KINDS,
    TurnStarted.kind,
    ToolStarted.kind,
    ApprovalRequested.kind,
)  # an approval request ends thinking


@dataclass
class Part:
    """Thinking with its duration, text, or a tool call by its id."""

    kind: PartKind
    words: list[str] = field(default_factory=list)
    call_id: str | None = None
    duration_ms: int | None = None
    since: datetime | None = None
    turn: int | None = None

    @property
    def text(self) -> str:
        return "".join(self.words)

    def shown(self) -> dict[str, Any]:
        """Return the part as the API serializes it."""
        text = None if self.kind == PartKind.TOOL else self.text
        return {"kind": self.kind, "text": text, "call_id": self.call_id, "duration_ms": self.duration_ms}


def parts_in(log: int, upto: int | None = None) -> list[Part]:
    """Return the parts of a log, up to a `seq`."""
    return parts_of([log], upto).get(log, [])


def parts_of(logs: Iterable[int], upto: int | None = None) -> dict[int, list[Part]]:
    """Return the parts of several logs, by log."""
    rows = Event.objects.filter(transcript_id__in=logs, kind__in=PART_EVENTS).order_by("transcript_id", "seq")
    if upto is not None:
        rows = rows.filter(seq__lte=upto)
    found: dict[int, list[Part]] = {}
    ids: dict[int, ShownIds] = {}
    for log, kind, data, at in rows.values_list("transcript_id", "kind", "data", "at"):
        named = {}
        if kind == ToolStarted.kind:
            named = {"call_id": ids.setdefault(log, ShownIds()).of_start(data)}
        _add(found.setdefault(log, []), kind, data | named, at)
    return found


def text_of(parts: Iterable[Part]) -> str:
    """Return the text of all text parts."""
    return "".join(part.text for part in parts if part.kind == PartKind.TEXT)


def outline_of(parts: Iterable[Part], ended: datetime) -> Outline:
    """Return the outline of parts; a text has only its length, the message has the text."""
    return [_outlined(part, ended) for part in parts]


def parts_from(outline: Outline, text: str) -> list[Part]:
    """Return the parts of an outline, with their text."""
    found, at = [], 0
    for stored in outline:
        fields = dict(stored)
        if (length := fields.pop("length", None)) is not None:
            fields["words"] = [text[at : at + length]]
            at += length
        found.append(Part(**fields | {"kind": PartKind(fields["kind"])}))
    return found


def _add(parts: list[Part], kind: str, data: dict[str, Any], at: datetime) -> None:
    if kind == TurnStarted.kind:
        return _drop_thinking(parts, data["turn"])
    last = parts[-1] if parts else None
    if last and kind in TEXT_KINDS and TEXT_KINDS[kind] == last.kind and last.duration_ms is None:
        last.words.append(data["text"])
        return None
    if last:  # before an approval request too: its answer can take days
        _end_thought(last, at)
    if kind in TEXT_KINDS:
        parts.append(Part(TEXT_KINDS[kind], [data["text"]], since=at, turn=data["turn"]))
    elif kind == ToolStarted.kind and all(part.call_id != data["call_id"] for part in parts):
        parts.append(Part(PartKind.TOOL, call_id=data["call_id"]))
    return None


def _drop_thinking(parts: list[Part], turn: int) -> None:
    """Drop the thinking of a turn that failed before any text: the turn starts again."""
    while parts and parts[-1].kind == PartKind.THINKING and parts[-1].turn == turn:
        parts.pop()


def _end_thought(part: Part, at: datetime) -> None:
    if part.kind == PartKind.THINKING and part.duration_ms is None and part.since:
        part.duration_ms = max(0, round((at - part.since).total_seconds() * 1000))


def _outlined(part: Part, ended: datetime) -> dict[str, Any]:
    match part.kind:
        case PartKind.TEXT:
            return {"kind": part.kind.value, "length": len(part.text)}
        case PartKind.TOOL:
            return {"kind": part.kind.value, "call_id": part.call_id}
    _end_thought(part, ended)
    return {"kind": part.kind.value, "words": [part.text], "duration_ms": part.duration_ms}
