"""What becomes of a run whose engine stopped: done, failed, put aside, or queued for another try."""

import logging
import random
from datetime import datetime, timedelta

from agents import budgets, transcript
from agents.errors import LeaseLost
from agents.events import Finished
from schedules.models import Run
from schedules.states import RunStatus
from schedules.transitions import Claim, Ending, finish, park, progress, requeue
from schedules.vitals import Gauge
from stagent.lib import clock

BACKOFF_SEC = 5.0  # doubled at each retry
MAX_BACKOFF_SEC = 600.0

log = logging.getLogger("stagent.endings")


def note_turn(claim: Claim, turn: int) -> None:
    """Write how far the run has come."""
    progress(claim.run_id, claim.token, turn_count=turn, **budgets.spent_by_run(claim.run_id))


def conclude(claim: Claim, finished: Finished, gauge: Gauge) -> None:
    """End the run as the engine finished, queue it for a retry, or put it aside until a person answers."""
    now = clock.now()
    if finished.outcome == "parked":
        park(claim.run_id, claim.token, now=now)
        return
    run = Run.objects.get(pk=claim.run_id)
    if not_before := _retry_at(run, finished, now):
        log.info(
            "Run %s: %s; it is tried again at %s.", run.pk, finished.detail or finished.reason, not_before
        )
        requeue(run.pk, claim.token, not_before=not_before, retry_count=1)
        return
    status = RunStatus.COMPLETED if finished.outcome == "completed" else RunStatus.FAILED
    ending = Ending(
        status=status,
        reason=finished.reason,
        detail=finished.detail,
        result=finished.text,
        partial=finished.partial,
        report=finished.report,
        blameless=finished.provider_stop,
    )
    settle(claim, ending, gauge)


def settle(claim: Claim, ending: Ending, gauge: Gauge) -> None:
    """End the run for good, with what it spent and what was measured."""
    spent = budgets.spent_by_run(claim.run_id)
    measured = Ending(
        **{
            **vars(ending),
            "spent": spent,
            "event_loop_lag_ms": gauge.lag_p99_ms,
            "peak_rss_mb": gauge.peak_rss_mb,
        }
    )
    finish(claim.run_id, claim.token, measured, now=clock.now())


def hand_back(claim: Claim) -> None:
    """Queue the run again because the process leaves: no failure, no attempt used."""
    try:
        requeue(claim.run_id, claim.token, attempt=-1)
    except LeaseLost:
        log.info("Run %s was not ours to hand back any more.", claim.run_id)


def refuse_late(claim: Claim, text: str) -> None:
    """Keep for the audit what a worker without a lease still had to say."""
    log.warning("Late result of run %s refused: its lease was lost.", claim.run_id)
    transcript.note_late(claim.transcript_id, {"token": str(claim.token), "text": text}, clock.now())


def _retry_at(run: Run, finished: Finished, now: datetime) -> datetime | None:
    """Return when to try again, Retry-After honoured, else exponential with jitter; None: never."""
    if not finished.retryable or run.retry_count >= run.max_retries:
        return None
    backoff = random.uniform(0.5, 1) * min(MAX_BACKOFF_SEC, BACKOFF_SEC * 2**run.retry_count)
    moment = now + timedelta(seconds=max(backoff, finished.retry_after_sec or 0))
    return None if run.deadline_at and moment >= run.deadline_at else moment
