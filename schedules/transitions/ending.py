"""Out of running: for good, or back into the queue. And out of the queue without ever running."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import F, Q

from agents.errors import LeaseLost
from agents.failures import USUAL, policy
from agents.states import FailureKind, FailureReason
from schedules import outbox, statements, streaks
from schedules.models import Firing, Run, Schedule
from schedules.signals import announce, run_finished
from schedules.states import Outcome, RunStatus
from schedules.transitions import slots
from schedules.transitions.queueing import place_again
from stagent.lib import bell

SPENT = ("turn_count", "input_tokens", "output_tokens", "cost_usd")

log = logging.getLogger("stagent.endings")


@dataclass(frozen=True)
class Ending:
    """How a run ended, and what was measured while it ran. Empty measurements leave what is stored."""

    status: RunStatus
    reason: FailureReason | None = None  # left out, that of the kind
    detail: str = ""
    result: str = ""
    partial: bool = False
    report: dict[str, Any] | None = None
    kind: FailureKind | None = None  # what went wrong, which says what it counts for
    worked_ms: int | None = None  # over all attempts
    spent: dict[str, int | Decimal] = field(default_factory=dict)  # of SPENT, as far as known
    event_loop_lag_ms: float | None = None
    peak_rss_mb: float | None = None

    @property
    def failure_kind(self) -> FailureKind | None:
        """The kind, or the usual one of the reason."""
        return self.kind or (USUAL[FailureReason(self.reason)] if self.reason else None)

    @property
    def failure_reason(self) -> str:
        return self.reason or (policy(self.kind).reason if self.kind else "")


def finish(run_id: int, token: UUID, ending: Ending, *, now: datetime, belief: Q | None = None) -> Run:
    """End a running run for good, free its slots, write its metrics and streaks, in one transaction.

    `LeaseLost` when the token is not the run's any more (or `belief` does not hold): nothing is written.
    """
    try:
        return _finish(run_id, token, ending, now, belief, _keep_books)
    except (LeaseLost, DatabaseError):
        raise
    except Exception:
        log.exception(
            "The books of run %s could not be kept; it ends without them, for its slot is wanted.", run_id
        )
        return _finish(run_id, token, ending, now, belief, keep_books=None)


def _finish(
    run_id: int, token: UUID, ending: Ending, now: datetime, belief: Q | None, keep_books: "Books | None"
) -> Run:
    with transaction.atomic():
        schedule = _lock_schedule(run_id)
        run = _end(run_id, token, ending, now, belief)
        slots.give_back(run_id)
        _seal(run)
        if keep_books:
            keep_books(run, schedule, ending, now)
        bell.ring()
    announce(run_finished, run=run)
    return run


def _end(run_id: int, token: UUID, ending: Ending, now: datetime, belief: Q | None) -> Run:
    """Write the ending into the run and return it as it is now; `LeaseLost` if it is not the token's."""
    if belief and not Run.objects.select_for_update().filter(belief, pk=run_id).exists():
        raise LeaseLost(f"run {run_id}")
    ended = statements.END.rows(
        run_id=run_id,
        token=token,
        status=ending.status,
        failure_reason=ending.failure_reason,
        failure_kind=ending.failure_kind or "",
        worked_ms=ending.worked_ms,
        failure_detail=ending.detail[:500],
        result=ending.result,
        result_partial=ending.partial,
        report=ending.report,
        now=now,
        **{column: ending.spent.get(column) for column in SPENT},
    )
    if len(ended) != 1:
        raise LeaseLost(f"run {run_id}")
    return ended[0]


def _lock_schedule(run_id: int) -> Schedule | None:
    """Lock the schedule, whose streaks are to be written, before the run: a tick that clears the way and a
    removal take the schedule first too, and nobody waits for the other.
    """
    return statements.SCHEDULE_OF_RUN.first(run_id=run_id)


def _keep_books(run: Run, schedule: Schedule | None, ending: Ending, now: datetime) -> None:
    _measure(run, ending, now)
    if schedule:
        outbox.post(run, schedule, now)  # first what happened, then what it means for the schedule
        streaks.settle(run, schedule, now=now)


type Books = Callable[[Run, Schedule | None, Ending, datetime], None]


def requeue(
    run_id: int,
    token: UUID,
    *,
    not_before: datetime | None = None,
    belief: Q | None = None,
    columns: dict[str, Any] | None = None,
    **counted: int,
) -> None:
    """Put a running run back into the queue and free its slots; `counted` adds to its counters.

    `columns` are written beside. It resumes from its transcript at the turn it had reached. `LeaseLost` as
    in `finish`.
    """
    with transaction.atomic():
        run = Run.objects.filter(pk=run_id).first()
        if run is None:
            raise LeaseLost(f"run {run_id}")
        changed = Run.objects.filter(belief or Q(), pk=run_id, token=token, status=RunStatus.RUNNING).update(
            status=RunStatus.QUEUED,
            not_before=not_before,
            claim_order=place_again(run),
            **_held_nothing(),
            slot_claimed_at=None,
            deadline_at=None,
            **(columns or {}),
            **{column: F(column) + amount for column, amount in counted.items()},
        )
        if changed != 1:
            raise LeaseLost(f"run {run_id}")
        slots.give_back(run_id)
        _seal(run)
        bell.ring()


def withdraw(run_id: int, *, now: datetime, reason: str, outcome: Outcome | None = None) -> bool:
    """Cancel a run that is still queued; its firing may say why with an outcome."""
    with transaction.atomic():
        changed = (
            Run.objects.queued()
            .filter(pk=run_id)
            .update(
                status=RunStatus.CANCELLED,
                finished_at=now,
                cancel_requested_at=now,
                cancel_reason=reason[:200],
            )
        )
        if not changed:
            return False
        run = Run.objects.get(pk=run_id)
        _measure(run, Ending(RunStatus.CANCELLED), now)
        if outcome:
            Firing.objects.filter(run=run_id).update(outcome=outcome, reason=reason[:300])
    announce(run_finished, run=run)
    return True


def give_up(run_id: int, *, now: datetime, kind: FailureKind, detail: str) -> bool:
    """Fail a run that waited in the queue for longer than it may."""
    reason = policy(kind).reason
    with transaction.atomic():
        schedule = _lock_schedule(run_id)
        changed = (
            Run.objects.queued()
            .filter(pk=run_id)
            .update(
                status=RunStatus.FAILED,
                failure_reason=reason,
                failure_kind=kind,
                failure_detail=detail[:500],
                finished_at=now,
            )
        )
        if not changed:
            return False
        run = Run.objects.get(pk=run_id)
        _keep_books(run, schedule, Ending(RunStatus.FAILED, reason, kind=kind), now)
    announce(run_finished, run=run)
    return True


def _held_nothing() -> dict[str, Any]:
    return {"token": None, "slot": "", "lease_expires_at": None}


def _seal(run: Run) -> None:
    """Let nobody append to the transcript until the next claim."""
    statements.HAND_PEN(transcript_id=run.transcript_id, token=None)


def _measure(run: Run, ending: Ending, now: datetime) -> None:
    """Write how the firing went: the highest lag and memory over its attempts."""
    if run.firing_id is None:
        return
    statements.MEASURE_END(
        firing_id=run.firing_id,
        now=now,
        duration_ms=run.worked_ms if run.started_at else None,
        turn_count=run.turn_count,
        input_tokens=run.input_tokens,
        output_tokens=run.output_tokens,
        cost_usd=run.cost_usd,
        event_loop_lag_ms=ending.event_loop_lag_ms,
        peak_rss_mb=ending.peak_rss_mb,
        failure_reason=run.failure_reason,
    )
