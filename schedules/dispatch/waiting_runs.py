"""Connects runs and approvals: a resolved run is requeued at once; a finished run's requests are withdrawn.

A signal may be lost if the process dies right after the commit, so the reaper repeats both.
"""

from datetime import datetime
from typing import Any

from agents.approvals import approvals
from agents.models import Approval
from agents.signals import approval_answered
from schedules.models import Run
from schedules.signals import run_finished
from schedules.states import FINISHED, RunStatus
from schedules.transitions import unpark
from stagent.lib import clock


def connect() -> None:
    """Connect the receivers. Idempotent."""
    approval_answered.connect(requeue_answered)
    run_finished.connect(withdraw_approvals)


def requeue_answered(*, approval: Approval, **_: Any) -> None:
    """Requeue the run if this was its last open approval."""
    if approval.run_id is not None:
        unpark(approval.run_id, now=clock.now())


def withdraw_approvals(*, run: Run, **_: Any) -> None:
    """Withdraw the open requests of a run that was stopped; a completed run has none."""
    if run.status != RunStatus.COMPLETED:
        approvals.withdraw(run.transcript_id, clock.now())


def expire_approvals(now: datetime) -> None:
    """Deny expired approvals, and withdraw those of finished runs."""
    approvals.expire(now)
    left = Approval.objects.open().filter(transcript__run__status__in=FINISHED)
    for transcript_id in left.values_list("transcript_id", flat=True).distinct():
        approvals.withdraw(transcript_id, now)
