"""What the earlier attempts left in the transcript, read so that the next one goes on from there."""

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
    NO_REPLY,
    Block,
    calls_in,
    given_back,
    is_empty,
    text_in,
    tool_result,
    without_thinking,
)

LAST_TURN = "last_turn"  # the notice that the next reply is the last, for lack of turns
LAST_MONEY = "last_money"  # the same, for lack of money or tokens
KINDS = tuple(
    event.kind
    for event in (TurnFinished, ToolStarted, ToolFinished, ApprovalRequested, ApprovalResolved, Notice)
)

type Message = dict[str, Any]
type Results = dict[str, ToolFinished]  # by call
type Author = tuple[str, str]  # provider and model


@dataclass
class ToolProgress:
    """How far the calls of the last reply came before the attempt ended."""

    begun: set[str] = field(default_factory=set)
    results: dict[str, ToolFinished] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)  # told to the reader, and the same when settled
    settled: set[str] = field(default_factory=set)

    def note(self, event: events.Event) -> None:
        match event:
            case ToolStarted():
                self.begun.add(event.call_id)
            case ToolFinished():
                self.results[event.call_id] = event
            case ApprovalRequested():
                self.asked.add(event.call_id)
            case ApprovalResolved():
                self.settled.add(event.call_id)


@dataclass
class History:
    """A run so far: the messages after its prompt, and what they used."""

    messages: list[Message] = field(default_factory=list)
    turns: int = 0
    cost_usd: Decimal = Decimal(0)
    tokens: int = 0
    text: str = ""  # the last words said
    before_pause: str = ""  # the beginning of an answer that the model gives in parts
    last: TurnFinished | None = None
    final_turn: str = ""  # the notice under which the last reply was given
    calls: list[tuple[str, Any, ToolFinished]] = field(default_factory=list)  # name, arguments, result
    reached: ToolProgress = field(default_factory=ToolProgress)

    @property
    def is_answered(self) -> bool:
        """Whether the last reply is a whole answer: all that is left to do is to deliver it."""
        if self.last is None or self.last.stop_reason in NO_REPLY | {"pause_turn"}:
            return False
        return not is_empty(self.last.content) and bool(self.final_turn or not calls_in(self.last.content))

    @property
    def unfinished(self) -> list[Block]:
        """Return the calls of the last reply if any of them has no result; they were all to be made."""
        if self.last is None or self.final_turn or self.last.stop_reason in NO_REPLY | {"pause_turn"}:
            return []
        calls = calls_in(self.last.content)
        return calls if any(call["id"] not in self.reached.results for call in calls) else []


def load_history(transcript_id: int, author: Author | None = None) -> History:
    """Read the past of a run; thoughts of another author than this are left out, as providers demand."""
    return load_histories([transcript_id], author).get(transcript_id) or History()


def load_histories(transcript_ids: Collection[int], author: Author | None = None) -> dict[int, History]:
    """Read several pasts with one question; those of which nothing is known are left out."""
    rows = Event.objects.filter(transcript_id__in=transcript_ids, kind__in=KINDS)
    happened: dict[int, list[events.Event]] = {}
    for log, kind, data in rows.order_by("transcript_id", "seq").values_list("transcript_id", "kind", "data"):
        happened.setdefault(log, []).append(events.read(kind, data))
    return {log: _fold(told, author) for log, told in happened.items()}


def _fold(happened: Sequence[events.Event], author: Author | None) -> History:
    past, final_turn = History(), ""
    results, following = _results_by_turn(happened)
    for event in happened:
        match event:
            case Notice(code=code) if code in (LAST_TURN, LAST_MONEY):
                final_turn = code
            case TurnFinished():
                _add_turn(past, event, final_turn)
                results, *following = following
                past.messages += _messages(event, results, author)
                final_turn = ""
                past.reached = ToolProgress()
            case ToolStarted() if event.call_id in results:
                past.calls.append((event.name, event.arguments, results[event.call_id]))
        past.reached.note(event)
    return past


def _results_by_turn(happened: Sequence[events.Event]) -> tuple[Results, list[Results]]:
    """Return what came back before the first reply and after each: some servers use an id once more."""
    found: list[Results] = [{}]
    for event in happened:
        if isinstance(event, TurnFinished):
            found.append({})
        elif isinstance(event, ToolFinished):
            found[-1][event.call_id] = event
    return found[0], found[1:]


def _add_turn(past: History, turn: TurnFinished, final_turn: str) -> None:
    past.turns += 1
    past.cost_usd += turn.cost_usd or 0
    past.tokens += turn.usage.total
    if turn.stop_reason != "refusal":
        said = past.before_pause + text_in(turn.content)
        past.text, past.before_pause = said or past.text, said if turn.stop_reason == "pause_turn" else ""
    past.last, past.final_turn = turn, final_turn


def _messages(turn: TurnFinished, results: Results, author: Author | None) -> list[Message]:
    """Return a reply and the results of its calls; nothing for a reply that was no use."""
    if turn.stop_reason in NO_REPLY or is_empty(turn.content):
        return []
    content = turn.content if _is_by(turn, author) else without_thinking(turn.content)
    said = {"role": "assistant", "content": given_back(content)}
    if calls := calls_in(content):
        return [said, {"role": "user", "content": [_result(call["id"], results) for call in calls]}]
    return [said]


def _is_by(turn: TurnFinished, author: Author | None) -> bool:
    # The provider may answer with a dated name of the model that was asked for.
    return author is None or (turn.provider == author[0] and turn.model.startswith(author[1]))


def _result(call_id: str, results: Results) -> Message:
    if result := results.get(call_id):
        return tool_result(call_id, result.result, result.is_error)
    return tool_result(call_id, INTERRUPTED, is_error=True)
