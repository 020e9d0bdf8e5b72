"""A run's transcript grouped by turn: thinking, text, tool calls, tokens and cost."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from agents.models import Event
from agents.protocol import events
from agents.protocol.events import (
    ApprovalRequested,
    ApprovalResolved,
    Notice,
    TextDelta,
    ThinkingDelta,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    TurnStarted,
)
from agents.states import ApprovalStatus
from agents.transcripts import transcript
from stagent.lib.text import shorten
from stagent.lib.web.markdown import to_html

MAX_SHOWN = 60  # turns of a long run that are shown at first
MAX_EVENTS = 20_000
INTENT_CHARS = 120
RESOLUTIONS: dict[str, str] = {
    ApprovalStatus.ALLOWED: "Allowed.",
    ApprovalStatus.DENIED: "Declined.",
    ApprovalStatus.ANSWERED: "Answered.",
    ApprovalStatus.EXPIRED: "Expired without an answer.",
}


@dataclass
class Call:
    """A tool call and, once it has ended, its result."""

    call_id: str
    name: str
    intent: str
    arguments: str
    result: str | None = None
    failed: bool = False
    duration_ms: int | None = None


@dataclass
class Turn:
    """One reply of the model; `key` is the number of its first event."""

    key: int
    number: int | None
    started_at: datetime
    last_seq: int = 0
    thinking: str = ""
    text: str = ""
    calls: list[Call] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    reply: TurnFinished | None = None
    duration_ms: float | None = None
    superseded: bool = False  # interrupted and repeated in a later turn

    @property
    def html(self) -> SafeString:
        """The text so far, rendered from Markdown."""
        return mark_safe(to_html(self.text, finished=self.reply is not None))  # noqa: S308

    @property
    def tokens(self) -> tuple[int, int] | None:
        """Input and output tokens."""
        return (
            (self.reply.usage.total - self.reply.usage.output, self.reply.usage.output)
            if self.reply
            else None
        )


def read(transcript_id: int, after: int = 0, *, everything: bool = False) -> list[Turn]:
    """Return the turns with events after `after`; without `after`, the last `MAX_SHOWN` turns."""
    begin = (
        _turn_start(transcript_id, after) if after else 0 if everything else _last_turns_start(transcript_id)
    )
    return fold(transcript.read(transcript_id, after=begin - 1 if begin else 0, limit=MAX_EVENTS))


def _turn_start(transcript_id: int, seq: int) -> int:
    starts = Event.objects.filter(transcript=transcript_id, kind=TurnStarted.kind, seq__lte=seq)
    return starts.order_by("-seq").values_list("seq", flat=True).first() or 0


def _last_turns_start(transcript_id: int) -> int:
    starts = Event.objects.filter(transcript=transcript_id, kind=TurnStarted.kind).order_by("-seq")
    return next(iter(starts.values_list("seq", flat=True)[MAX_SHOWN - 1 : MAX_SHOWN]), 0)


def fold(rows: Iterable[Event]) -> list[Turn]:
    """Group events into turns; events before the first turn form a turn without a number."""
    turns: list[Turn] = []
    for row in rows:
        event = events.from_row(row.kind, row.data)
        if isinstance(event, TurnStarted) or not turns:
            turns.append(Turn(row.seq, event.turn if isinstance(event, TurnStarted) else None, row.at))
        turns[-1].last_seq = row.seq
        _add(turns[-1], event, row)
    latest = {turn.number: turn for turn in turns}
    for turn in turns:
        turn.superseded = turn.number is not None and latest[turn.number] is not turn
    return turns


def _add(turn: Turn, event: events.Event, row: Event) -> None:
    match event:
        case TextDelta(text=text):
            turn.text += text
        case ThinkingDelta(text=text):
            turn.thinking += text
        case TurnFinished():
            _apply_reply(turn, event, row.at)
        case ToolStarted():
            turn.calls.append(
                Call(event.call_id, event.name, _intent(event.arguments), _pretty(event.arguments))
            )
        case ToolFinished():
            _apply_result(turn, event)
        case Notice() | ApprovalRequested() | ApprovalResolved():
            turn.notices.append(_describe(event, row))


def _describe(event: Notice | ApprovalRequested | ApprovalResolved, row: Event) -> str:
    """Describe an event between two turns."""
    match event:
        case ApprovalRequested(text=text):
            return f"Asked for an answer: {text}"
        case ApprovalResolved(status=status):
            return RESOLUTIONS.get(status, status)
    return event.text or _stored_notice(event.code, row.data)


def _apply_reply(turn: Turn, reply: TurnFinished, at: datetime) -> None:
    """Take the text from the reply itself: deltas can be lost, the reply cannot."""
    turn.reply, turn.duration_ms = reply, (at - turn.started_at) / timedelta(milliseconds=1)
    turn.text = _join(reply, "text") or turn.text
    turn.thinking = _join(reply, "thinking") or turn.thinking


def _join(reply: TurnFinished, kind: str) -> str:
    return "\n\n".join(
        str(block.get(kind, "")) for block in reply.content if block.get("type") == kind
    ).strip()


def _apply_result(turn: Turn, finished: ToolFinished) -> None:
    for call in turn.calls:
        if call.call_id == finished.call_id:
            call.result, call.failed, call.duration_ms = (
                finished.result,
                finished.is_error,
                finished.duration_ms,
            )


def _stored_notice(code: str, data: dict[str, Any]) -> str:
    """Describe a notice that the engine does not define."""
    if code == transcript.LATE_RESULT:
        return f"A late result was rejected because the lease had expired: {data.get('text', '')}"
    return code.replace("_", " ")


def _pretty(arguments: Any) -> str:
    return json.dumps(arguments, indent=2, ensure_ascii=False)


def _intent(arguments: Any) -> str:
    """Format a call's arguments in one line."""
    if not isinstance(arguments, dict):
        return shorten(str(arguments), INTENT_CHARS)
    return shorten(", ".join(f"{name}: {value}" for name, value in arguments.items()), INTENT_CHARS)
