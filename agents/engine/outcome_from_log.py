"""Derives the outcome of a run or reply from its transcript, after its worker is gone."""

from dataclasses import asdict, dataclass
from pathlib import Path

from agents.engine.final_turn import FINAL_TURNS
from agents.failure_policies import policy
from agents.models import Event
from agents.protocol.events import Finished, TextDelta, TurnFinished, TurnStarted
from agents.tools.base import Report, ToolContext, ToolError
from agents.tools.people.report import REPORT, report
from agents.transcripts.history import History, load_history


@dataclass(frozen=True)
class LoggedOutcome:
    """The outcome that a transcript holds, and its latest text."""

    finished: Finished | None
    text: str


def load_outcome(transcript_id: int) -> LoggedOutcome:
    """Read a transcript; `finished` is None if a model or tool call is still needed."""
    history = load_history(transcript_id)
    finished = _load_finished(transcript_id) or _finished_by_answer(history)
    if finished and finished.outcome != "parked" and not finished.retryable:
        return LoggedOutcome(finished, finished.text)
    return LoggedOutcome(None, _load_unfinished_text(transcript_id) or history.text)


def _load_finished(transcript_id: int) -> Finished | None:
    """Return the Finished event, if no turn started after it."""
    rows = Event.objects.filter(transcript=transcript_id, kind__in=(Finished.kind, TurnStarted.kind))
    last = rows.order_by("-seq").first()
    return Finished.from_data(last.data) if last and last.kind == Finished.kind else None


def _finished_by_answer(history: History) -> Finished | None:
    """Build Finished for a complete answer after which the engine could not write it."""
    if not history.is_answered:
        return None
    final_turn = FINAL_TURNS.get(history.final_turn)
    report_made = _rebuild_report(history)
    return Finished(
        outcome="failed" if final_turn else "completed",
        reason=policy(final_turn.kind).reason if final_turn else None,
        failure=final_turn.kind if final_turn else None,
        detail=final_turn.detail if final_turn else "",
        text=history.text,
        partial=bool(final_turn and history.text),
        report=asdict(report_made) if report_made else None,
    )


def _rebuild_report(history: History) -> Report | None:
    context = ToolContext(workspace=Path())
    for name, arguments, result in history.calls:
        if name == REPORT.name and not result.is_error:
            try:
                report(context, arguments)
            except ToolError:
                continue
    return context.report


def _load_unfinished_text(transcript_id: int) -> str:
    """Return the text of the turn that was not finished."""
    rows = Event.objects.filter(transcript=transcript_id, kind__in=(TurnStarted.kind, TurnFinished.kind))
    last = rows.order_by("-seq").only("seq", "kind").first()
    if last is None or last.kind == TurnFinished.kind:
        return ""
    deltas = Event.objects.filter(transcript=transcript_id, seq__gt=last.seq, kind=TextDelta.kind)
    return "".join(data["text"] for data in deltas.order_by("seq").values_list("data", flat=True))
