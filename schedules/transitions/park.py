"""Parks a run until a person has answered, and requeues it: meanwhile it holds no slot and uses no time.

An approval is resolved in a transaction of its own, before or after its run is parked. Both arrows lock the
run first and read its approvals then, so that the later one sees the earlier.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from agents.approvals import approvals
from agents.errors import LeaseLost
from agents.models import Transcript
from schedules.models import Run
from schedules.states import Outcome, RunStatus
from schedules.transitions import slots
from schedules.transitions.enqueue import requeue_order
from schedules.transitions.finish import cancel_queued
from stagent.lib import wakeup


def park(run_id: int, token: UUID, *, now: datetime, worked_ms: int | None = None) -> None:
    """Park a running run and free its slots; it resumes as the same attempt.

    If it was answered meanwhile it is requeued at once; if a stop was requested it is cancelled. Raises
    `LeaseLost` if the token was replaced.
    """
    with transaction.atomic():
        held = Run.objects.running().filter(pk=run_id, token=token)
        changed = held.update(
            status=RunStatus.WAITING,
            waiting_since=now,
            token=None,
            slot="",
            slot_claimed_at=None,
            lease_expires_at=None,
            deadline_at=None,
            **({} if worked_ms is None else {"worked_ms": worked_ms}),
        )
        if changed != 1:
            raise LeaseLost(f"run {run_id}")
        slots.release(run_id)
        run = Run.objects.get(pk=run_id)
        Transcript.objects.filter(pk=run.transcript_id).update(writer_token=None)
        if run.cancel_requested_at:
            withdraw(run_id, now=now, reason=run.cancel_reason)
        elif not approvals.open_approvals(run.transcript_id).exists():
            _queue_again(run, attempt=F("attempt") - 1)
        wakeup.notify()


def unpark(run_id: int, *, now: datetime) -> bool:
    """Requeue a parked run once all its approvals are resolved."""
    with transaction.atomic():
        # The lock waits for a `park` under way, whose look at the questions may have been too early.
        run = Run.objects.select_for_update(of=("self",), no_key=True).filter(pk=run_id).first()
        if (
            run is None
            or run.status != RunStatus.WAITING
            or approvals.open_approvals(run.transcript_id).exists()
        ):
            return False
        _queue_again(run, attempt=F("attempt") - 1)  # the next claim is the same attempt
        wakeup.notify()
    return True


def withdraw(run_id: int, *, now: datetime, reason: str, outcome: Outcome | None = None) -> bool:
    """Cancel a run that is queued or parked; `outcome` is written to its firing."""
    with transaction.atomic():
        waiting = Run.objects.waiting().select_for_update(of=("self",), no_key=True).filter(pk=run_id).first()
        if waiting:
            _queue_again(waiting)  # for no longer than this transaction
            approvals.withdraw(waiting.transcript_id, now)
        return cancel_queued(run_id, now=now, reason=reason, outcome=outcome)


def _queue_again(run: Run, **columns: Any) -> None:
    Run.objects.waiting().filter(pk=run.pk).update(
        status=RunStatus.QUEUED,
        waiting_since=None,
        claim_order=requeue_order(run),
        **columns,
    )
