"""Rebuilds the history of a run from its transcript, so that the next attempt continues there."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from agents.models import Event
from agents.protocol import events
from agents.protocol.events import (
    ApprovalRequested,
    ApprovalResolved,
    Notice,
    ToolFinished,
    ToolStarted,
    TurnFinished,
)
from agents.protocol.reply import (
    INTERRUPTED,
    UNUSABLE_STOP_REASONS,
    Block,
    is_empty,
    join_text,
    to_request_content,
    tool_calls,
    tool_result,
    without_thinking,
)

LAST_TURN = "last_turn"  # code of the notice that the next reply is the last one that `max_turns` allows
LAST_BUDGET = "last_money"  # the same, because the money or the tokens are nearly spent
KINDS = tuple(
    event.kind
    for event in (TurnFinished, ToolStarted, ToolFinished, ApprovalRequested, ApprovalResolved, Notice)
)

type Message = dict[str, Any]
type Results = dict[str, ToolFinished]  # by call
type ModelRef = tuple[str, str]  # provider and model


@dataclass
class ToolProgress:
    """How far the calls of the last reply came before the attempt ended."""

    started: set[str] = field(default_factory=set)
    results: dict[str, ToolFinished] = field(default_factory=dict)
    requested: set[str] = field(default_factory=set)  # an event of the request was emitted
    resolved: set[str] = field(default_factory=set)

    def record(self, event: events.Event) -> None:
        match event:
            case ToolStarted():
                self.started.add(event.call_id)
            case ToolFinished():
                self.results[event.call_id] = event
            case ApprovalRequested():
                self.requested.add(event.call_id)
            case ApprovalResolved():
                self.resolved.add(event.call_id)


@dataclass
class History:
    """A run so far: the messages after its prompt, and their usage."""

    messages: list[Message] = field(default_factory=list)
    turns: int = 0
    cost_usd: Decimal = Decimal(0)
    tokens: int = 0
    text: str = ""  # the latest text
    before_pause: str = ""  # the first part of an answer that the model paused in
    last_turn: TurnFinished | None = None
    final_turn: str = ""  # code of the notice before the last reply
    calls: list[tuple[str, Any, ToolFinished]] = field(default_factory=list)  # name, arguments, result
    progress: ToolProgress = field(default_factory=ToolProgress)

    @property
    def is_answered(self) -> bool:
        """Whether the last reply is a complete answer that only has to be delivered."""
        if self.last_turn is None or self.last_turn.stop_reason in UNUSABLE_STOP_REASONS | {"pause_turn"}:
            return False
        return not is_empty(self.last_turn.content) and bool(
            self.final_turn or not tool_calls(self.last_turn.content)
        )

    @property
    def unfinished(self) -> list[Block]:
        """The calls of the last reply, if any of them has no result."""
        if (
            self.last_turn is None
            or self.final_turn
            or self.last_turn.stop_reason in UNUSABLE_STOP_REASONS | {"pause_turn"}
        ):
            return []
        calls = tool_calls(self.last_turn.content)
        return calls if any(call["id"] not in self.progress.results for call in calls) else []


def load_history(transcript_id: int, model_ref: ModelRef | None = None) -> History:
    """Load the history of a run.

    Thinking blocks of another model than `model_ref` are left out: providers reject them.
    """
    return load_histories([transcript_id], model_ref).get(transcript_id) or History()


def load_histories(transcript_ids: Collection[int], model_ref: ModelRef | None = None) -> dict[int, History]:
    """Load several histories in one query; transcripts without events are missing."""
    rows = Event.objects.filter(transcript_id__in=transcript_ids, kind__in=KINDS).order_by(
        "transcript_id", "seq"
    )
    by_transcript: dict[int, list[events.Event]] = {}
    for transcript_id, kind, data in rows.values_list("transcript_id", "kind", "data"):
        by_transcript.setdefault(transcript_id, []).append(events.from_row(kind, data))
    return {
        transcript_id: _fold(log_events, model_ref) for transcript_id, log_events in by_transcript.items()
    }


def _fold(log_events: Sequence[events.Event], model_ref: ModelRef | None) -> History:
    history, final_turn = History(), ""
    results, following = _results_by_turn(log_events)
    for event in log_events:
        match event:
            case Notice(code=code) if code in (LAST_TURN, LAST_BUDGET):
                final_turn = code
            case TurnFinished():
                _add_turn(history, event, final_turn)
                results, *following = following
                history.messages += _messages(event, results, model_ref)
                final_turn = ""
                history.progress = ToolProgress()
            case ToolStarted() if event.call_id in results:
                history.calls.append((event.name, event.arguments, results[event.call_id]))
        history.progress.record(event)
    return history


def _results_by_turn(log_events: Sequence[events.Event]) -> tuple[Results, list[Results]]:
    """Return the results before the first reply and after each: some servers reuse call ids."""
    results: list[Results] = [{}]
    for event in log_events:
        if isinstance(event, TurnFinished):
            results.append({})
        elif isinstance(event, ToolFinished):
            results[-1][event.call_id] = event
    return results[0], results[1:]


def _add_turn(history: History, turn: TurnFinished, final_turn: str) -> None:
    history.turns += 1
    history.cost_usd += turn.cost_usd or 0
    history.tokens += turn.usage.total
    if turn.stop_reason != "refusal":
        text = history.before_pause + join_text(turn.content)
        history.text, history.before_pause = (
            text or history.text,
            text if turn.stop_reason == "pause_turn" else "",
        )
    history.last_turn, history.final_turn = turn, final_turn


def _messages(turn: TurnFinished, results: Results, model_ref: ModelRef | None) -> list[Message]:
    """Return a reply and the results of its calls; nothing for an unusable reply."""
    if turn.stop_reason in UNUSABLE_STOP_REASONS or is_empty(turn.content):
        return []
    content = turn.content if _is_from(turn, model_ref) else without_thinking(turn.content)
    reply = {"role": "assistant", "content": to_request_content(content)}
    if calls := tool_calls(content):
        return [reply, {"role": "user", "content": [_result(call["id"], results) for call in calls]}]
    return [reply]


def _is_from(turn: TurnFinished, model_ref: ModelRef | None) -> bool:
    # The provider may return a dated name of the requested model.
    return model_ref is None or (turn.provider == model_ref[0] and turn.model.startswith(model_ref[1]))


def _result(call_id: str, results: Results) -> Message:
    if result := results.get(call_id):
        return tool_result(call_id, result.result, result.is_error)
    return tool_result(call_id, INTERRUPTED, is_error=True)
