"""Computes a run's ending from its event log: outcome, usage, and the deliveries that follow."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Self

from agents.engine.outcome_from_log import load_outcome
from agents.failure_policies import DEFAULT_KINDS, policy
from agents.models import Event
from agents.protocol.events import Finished
from agents.spending import totals
from agents.states import FailureKind, FailureReason
from schedules.models import Run
from schedules.models.spending import spender
from schedules.states import RunStatus
from schedules.transitions import prepared_sql

# What the run itself had no part in: its log may hold the answer all the same.
NOT_ITS_OWN = (FailureReason.WORKER_LOST, FailureReason.LEASE_EXPIRED)


@dataclass(frozen=True)
class Ending:
    """How a run ended and what was measured; empty measurements keep the stored value.

    Without a result, the last text of the log is used.
    """

    status: RunStatus
    reason: FailureReason | None = None  # left out, that of the kind
    detail: str = ""
    result: str = ""
    partial: bool = False
    report: dict[str, Any] | None = None
    kind: FailureKind | None = None  # what went wrong, which says what it counts for
    worked_ms: int | None = None  # over all attempts
    event_loop_lag_ms: float | None = None
    peak_rss_mb: float | None = None

    @classmethod
    def of(cls, finished: Finished) -> Self:
        """Return the ending that corresponds to the engine's result."""
        return cls(
            status=RunStatus.COMPLETED if finished.outcome == "completed" else RunStatus.FAILED,
            reason=finished.reason,
            kind=finished.failure,
            detail=finished.detail,
            result=finished.text,
            partial=finished.partial,
            report=finished.report,
        )

    @property
    def failure_kind(self) -> FailureKind | None:
        """The kind, or the default kind of the reason."""
        return self.kind or (DEFAULT_KINDS[FailureReason(self.reason)] if self.reason else None)

    @property
    def failure_reason(self) -> str:
        return self.reason or (policy(self.kind).reason if self.kind else "")


def close(run: Run, ending: Ending, now: datetime) -> Ending:
    """Revoke the writer token, charge unpaid usage, and return the ending.

    If a worker vanished after the answer was written, the run is complete.
    """
    revoke_and_charge(run, now)
    not_its_own = ending.failure_reason in NOT_ITS_OWN
    if ending.status == RunStatus.COMPLETED or (ending.result and not not_its_own):
        return ending
    concluded = load_outcome(run.transcript_id)
    if concluded.finished and not_its_own:
        return replace(
            Ending.of(concluded.finished),
            worked_ms=ending.worked_ms,
            event_loop_lag_ms=ending.event_loop_lag_ms,
            peak_rss_mb=ending.peak_rss_mb,
        )
    text = ending.result or concluded.text
    return replace(ending, result=text, partial=bool(text))


def ends_at(run: Run, now: datetime) -> datetime:
    """Return when a run with a closed log ended: not before its last event."""
    last = (
        Event.objects.filter(transcript=run.transcript_id)
        .order_by("-seq")
        .values_list("at", flat=True)
        .first()
    )
    return max(now, last) if last else now


def revoke_writer_token(run: Run) -> None:
    """Revoke the writer token until the next claim."""
    prepared_sql.SET_WRITER(transcript_id=run.transcript_id, token=None)


def revoke_and_charge(run: Run, now: datetime) -> None:
    """Revoke the writer token until the next claim, and charge unpaid usage."""
    revoke_writer_token(run)
    totals.charge_unpaid(run.transcript_id, partial(spender, run), now)


def record_usage(run_id: int) -> Run:
    """Write the earlier usage and text of a run that ended in the queue; return the run."""
    run = Run.objects.get(pk=run_id)
    if run.started_at is None:
        return run
    text = load_outcome(run.transcript_id).text
    Run.objects.filter(pk=run_id).update(result=text, result_partial=bool(text), **totals.run_totals())
    return Run.objects.get(pk=run_id)


def measure(run: Run, ending: Ending, now: datetime) -> None:
    """Write the metrics of the firing: the highest lag and memory over its attempts."""
    if run.firing_id is None:
        return
    prepared_sql.MEASURE_END(
        firing_id=run.firing_id,
        now=now,
        duration_ms=run.worked_ms if run.started_at else None,
        turn_count=run.turn_count,
        input_tokens=run.input_tokens,
        output_tokens=run.output_tokens,
        cost_usd=run.known_cost,
        event_loop_lag_ms=ending.event_loop_lag_ms,
        peak_rss_mb=ending.peak_rss_mb,
        failure_reason=run.failure_reason,
    )
