"""Applies the engine's result to a run: finish, park, or requeue for a retry."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from agents.engine.outcome_from_log import load_outcome
from agents.errors import LeaseLost
from agents.models import Profile
from agents.protocol.events import Finished
from agents.runtimes import breaker
from agents.runtimes.failure_classifier import Failure
from agents.transcripts import transcript
from schedules.models import Run
from schedules.models.run import LONGEST_DETAIL
from schedules.transitions import Claim, Ending, finish, park, progress, record_work, requeue, retries
from schedules.transitions.retries import Again
from stagent.lib import clock
from stagent.lib.processes.process_metrics import RunMetrics
from stagent.lib.text import clip, sentence

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Worked:
    """The working time of a run over its attempts, and what is left."""

    ms: int
    left: timedelta

    def columns(self) -> dict[str, Any]:
        return {"worked_ms": self.ms, "deadline_at": clock.now() + self.left}


def record_progress(claim: Claim, worked: Worked) -> None:
    """Write the progress of a run."""
    progress(claim.run_id, claim.token, **worked.columns())


def record_time(claim: Claim, worked: Worked) -> None:
    """Write the working time, so that a crash loses little of it."""
    record_work(claim.run_id, claim.token, worked_ms=worked.ms, deadline_at=clock.now() + worked.left)


def apply(
    claim: Claim, finished: Finished, gauge: RunMetrics, worked_ms: int | None, now: datetime | None = None
) -> None:
    """Finish the run, queue it for a retry, or park it, by the engine's result."""
    now = now or clock.now()
    if finished.outcome == "parked":
        park(claim.run_id, claim.token, now=now, worked_ms=worked_ms)
        return
    run = Run.objects.select_related("schedule").get(pk=claim.run_id)
    verdict = retries.decide(run, finished, now)
    if isinstance(verdict, Again):
        _try_again(claim, verdict, worked_ms, now)
        return
    detail = " ".join(filter(None, (verdict.why, finished.detail)))
    apply_ending(claim, replace(Ending.of(finished), detail=detail, worked_ms=worked_ms), gauge, now)


def _try_again(claim: Claim, again: Again, worked_ms: int | None, now: datetime) -> None:
    log.info("Run %s: %s It is tried again at %s.", claim.run_id, sentence(again.detail), again.not_before)
    columns = _worked(worked_ms) | {
        "retry_kind": again.kind,
        "retry_detail": clip(again.detail, LONGEST_DETAIL),
    }
    counter = "retry_count" if again.counted else "provider_retries"
    if not again.counted:
        columns["retry_until"] = again.until
    columns[counter] = F(counter) + 1
    requeue(claim.run_id, claim.token, now=now, not_before=again.not_before, columns=columns)


def apply_ending(claim: Claim, ending: Ending, gauge: RunMetrics, now: datetime | None = None) -> None:
    """Finish the run with its measurements."""
    measured = replace(ending, event_loop_lag_ms=gauge.lag_p99_ms, peak_rss_mb=gauge.peak_rss_mb)
    finish(claim.run_id, claim.token, measured, now=now or clock.now())


def release(claim: Claim, worked_ms: int | None) -> None:
    """Requeue the run because the process shuts down: no failure, no attempt used.

    A run that has its answer already is finished with it.
    """
    now = clock.now()
    try:
        if finished := load_outcome(claim.transcript_id).finished:
            ending = replace(Ending.of(finished), worked_ms=worked_ms)
            finish(claim.run_id, claim.token, ending, now=now)
        else:
            requeue(claim.run_id, claim.token, now=now, columns=_worked(worked_ms), attempt=-1)
    except LeaseLost:
        log.info("Run %s was not ours to hand back any more.", claim.run_id)


def _worked(worked_ms: int | None) -> dict[str, Any]:
    return {} if worked_ms is None else {"worked_ms": worked_ms}


def report_to_breaker(profile: Profile, failure: Failure) -> None:
    """Report to the breaker what the run learned of its provider after its engine was stopped."""
    breaker.record_result(breaker.provider_of(profile), failure, clock.now())


def refuse_late(claim: Claim, text: str) -> None:
    """Record for the audit what a worker without a lease still wrote."""
    log.warning("Late result of run %s refused: its lease was lost.", claim.run_id)
    transcript.append_late(claim.transcript_id, {"token": str(claim.token), "text": text}, clock.now())
