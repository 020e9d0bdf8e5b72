"""Runs and the questions they ask: answered, a run goes on at once; ended, it asks no more.

A signal may be lost (the process dies right after the commit), so the reaper sweeps for both.
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
    """Begin to listen; asked twice, it still does everything once."""
    approval_answered.connect(requeue_answered)
    run_finished.connect(withdraw_approvals)


def requeue_answered(*, approval: Approval, **_: Any) -> None:
    """Let the run that asked go on, if this was the last of its questions."""
    if approval.run_id is not None:
        unpark(approval.run_id, now=clock.now())


def withdraw_approvals(*, run: Run, **_: Any) -> None:
    """Take back what a run that was stopped had just begun to ask; one that completed was answered."""
    if run.status != RunStatus.COMPLETED:
        approvals.withdraw(run.transcript_id, clock.now())


def expire_approvals(now: datetime) -> None:
    """Deny what nobody answered in time, and take back what ended runs still ask."""
    approvals.expire(now)
    left = Approval.objects.open().filter(transcript__run__status__in=FINISHED)
    for transcript_id in left.values_list("transcript_id", flat=True).distinct():
        approvals.withdraw(transcript_id, now)
