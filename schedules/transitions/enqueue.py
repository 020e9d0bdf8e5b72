"""Into the queue."""

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
    """Queue a run of a schedule with the limits it has now; `asked` as in `new_run`.

    Belongs into the transaction that decided it.
    """
    return enqueue_all([new_run(schedule, source=source, now=now, **asked)])[0]


def enqueue_all(runs: Sequence[Run]) -> list[Run]:
    """Queue runs that were put together before, each with a transcript: two statements for all of them."""
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
    """Put a run of a schedule together with the limits it has now; `asked` are further columns of the run."""
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
        claim_order=place_in_queue(now, lane or LANES[source], schedule.priority),
        expires_at=expires_at,
        max_turns=schedule.max_turns,
        max_run_duration_sec=schedule.max_run_duration_sec,
        max_cost_usd=schedule.max_cost_usd,
        **asked,
    )


def place_again(run: Run) -> datetime:
    """Return the place of a run that comes back: ahead of scheduled ones, and never behind its own."""
    return min(run.claim_order, place_in_queue(run.queued_at, "retry", run.priority))


def place_in_queue(queued_at: datetime, lane: str, priority: int) -> datetime:
    """Return the queueing time less the head start of lane and priority; the earliest is claimed first."""
    return queued_at - timedelta(seconds=HEAD_START_SEC[lane] + priority * PRIORITY_STEP_SEC)
