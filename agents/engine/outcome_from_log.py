"""Derives the outcome of a run or reply from its event log, when its worker is gone."""

from dataclasses import asdict, dataclass
from pathlib import Path

from agents.engine.final_turn import FINAL_TURNS
from agents.failures import policy
from agents.models import Event
from agents.protocol.events import Finished, TextDelta, TurnFinished, TurnStarted
from agents.tools.base import Report, ToolContext, ToolError
from agents.tools.people.report import REPORT, report
from agents.transcripts.history import History, load_history


@dataclass(frozen=True)
class Conclusion:
    """What the log holds: the ending, where the engine got that far, and the last words that were said."""

    finished: Finished | None
    text: str


def outcome_of(transcript_id: int) -> Conclusion:
    """Read a log; `finished` is None where the model would have to be asked again, or a tool be called."""
    past = load_history(transcript_id)
    finished = _written(transcript_id) or _answered(past)
    if finished and finished.outcome != "parked" and not finished.retryable:
        return Conclusion(finished, finished.text)
    return Conclusion(None, _under_way(transcript_id) or past.text)


def _written(transcript_id: int) -> Finished | None:
    """Return the end that the engine wrote, if nothing was asked after it."""
    ends = Event.objects.filter(transcript=transcript_id, kind__in=(Finished.kind, TurnStarted.kind))
    last = ends.order_by("-seq").first()
    return Finished.from_data(last.data) if last and last.kind == Finished.kind else None


def _answered(past: History) -> Finished | None:
    """Return the end that a whole answer is, which the engine had no time to write."""
    if not past.is_answered:
        return None
    final_turn = FINAL_TURNS.get(past.final_turn)
    reported = _reported(past)
    return Finished(
        outcome="failed" if final_turn else "completed",
        reason=policy(final_turn.kind).reason if final_turn else None,
        failure=final_turn.kind if final_turn else None,
        detail=final_turn.detail if final_turn else "",
        text=past.text,
        partial=bool(final_turn and past.text),
        report=asdict(reported) if reported else None,
    )


def _reported(past: History) -> Report | None:
    context = ToolContext(workspace=Path())
    for name, arguments, result in past.calls:
        if name == REPORT.name and not result.is_error:
            try:
                report(context, arguments)
            except ToolError:
                continue
    return context.report


def _under_way(transcript_id: int) -> str:
    """Return what was said in a turn that was not finished."""
    turns = Event.objects.filter(transcript=transcript_id, kind__in=(TurnStarted.kind, TurnFinished.kind))
    last = turns.order_by("-seq").only("seq", "kind").first()
    if last is None or last.kind == TurnFinished.kind:
        return ""
    said = Event.objects.filter(transcript=transcript_id, seq__gt=last.seq, kind=TextDelta.kind)
    return "".join(data["text"] for data in said.order_by("seq").values_list("data", flat=True))
