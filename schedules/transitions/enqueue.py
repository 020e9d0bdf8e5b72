"""Creates queued runs."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from agents.models import Transcript
from schedules.models import Firing, Run, Schedule
from schedules.states import HEAD_START_SEC, PRIORITY_STEP_SEC, Source

LANES = {
    Source.MANUAL: "manual",
    Source.RETRY: "retry",
    Source.SCHEDULED: "scheduled",
    Source.HEARTBEAT: "scheduled",
}


def enqueue(schedule: Schedule, *, source: Source, now: datetime, **asked: Any) -> Run:
    """Queue a run of a schedule with its current limits; `asked` as in `new_run`. Call it in the deciding
    transaction.
    """
    return enqueue_all([new_run(schedule, source=source, now=now, **asked)])[0]


def enqueue_all(runs: Sequence[Run]) -> list[Run]:
    """Queue prepared runs, each with a transcript: two statements for all of them."""
    transcripts = Transcript.objects.bulk_create(Transcript() for _ in runs)
    for run, transcript in zip(runs, transcripts, strict=True):
        run.transcript = transcript
    return Run.objects.bulk_create(runs)


def new_run(
    schedule: Schedule,
    *,
    source: Source,
    now: datetime,
    firing: Firing | None = None,
    due_at: datetime | None = None,
    lane: str = "",
    expires_at: datetime | None = None,
    **asked: Any,
) -> Run:
    """Build a run of a schedule with its current limits; `asked` are further columns."""
    return Run(
        schedule=schedule,
        schedule_name=schedule.name,
        firing=firing,
        profile_id=schedule.profile_id,
        project_id=schedule.project_id,
        prompt=schedule.prompt,
        source=source,
        pool=schedule.pool_id or "",
        max_retries=schedule.max_retries,
        priority=schedule.priority,
        queued_at=now,
        due_at=due_at or now,
        claim_order=queue_order(now, lane or LANES[source], schedule.priority),
        expires_at=expires_at,
        max_turns=schedule.max_turns,
        max_run_duration_sec=schedule.max_run_duration_sec,
        max_cost_usd=schedule.max_cost_usd,
        **asked,
    )


def requeue_order(run: Run) -> datetime:
    """Return the queue position of a requeued run: ahead of scheduled ones, never behind its own."""
    return min(run.claim_order, queue_order(run.queued_at, "retry", run.priority))


def queue_order(queued_at: datetime, lane: str, priority: int) -> datetime:
    """Return the queueing time minus the head start of lane and priority; the earliest is claimed first."""
    return queued_at - timedelta(seconds=HEAD_START_SEC[lane] + priority * PRIORITY_STEP_SEC)
