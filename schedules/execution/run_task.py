"""One claimed run from start to end: run the engine, record progress, apply the outcome.

An asyncio task. `Job.stop` cancels it and records the cause. It does not renew its lease (the renewer does)
and never writes without its token.
"""

import asyncio
import logging
from concurrent.futures import Future
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import Enum

from agents.engine import runner
from agents.errors import LeaseLost
from agents.protocol.events import Event, Finished, TextDelta, TurnFinished, TurnStarted
from agents.runtimes import is_preloaded, preload_sdk
from agents.runtimes.failure_classifier import Failure, classify
from agents.states import FailureKind
from schedules.conf import Conf
from schedules.execution import assignment as assignments
from schedules.execution import outcome
from schedules.execution.time_limit import OutOfTime, RunTime
from schedules.states import RunStatus
from schedules.transitions import Claim, Ending
from stagent.lib.db.async_db import db_sync_to_async, in_order, prioritised
from stagent.lib.processes.process_metrics import RunMetrics
from stagent.lib.processes.thread_pool import Priority

log = logging.getLogger(__name__)


class Cause(Enum):
    """Why a job was stopped."""

    CANCELLED = "cancelled"  # by a user
    LEASE_LOST = "lease_lost"  # another worker may have it
    SHUTDOWN = "shutdown"  # of the process; not a failure


@dataclass(eq=False)
class Job:
    """A claimed run and the task that works on it."""

    claim: Claim
    gauge: RunMetrics
    conf: Conf
    cause: Cause | None = None
    task: "asyncio.Task[None] | None" = None
    confirmed_at: float = 0.0  # monotonic time of the last confirmed claim or renewal
    finishing: bool = False  # the engine has ended; the outcome is being written
    text: list[str] = field(default_factory=list)  # of the turn that streams
    last_words: str = ""  # of an earlier turn
    time: "RunTime | None" = None  # measures working time, once the limit is known
    ended: "Future[None]" = field(default_factory=Future)  # awaited from other threads

    @property
    def latest_text(self) -> str:
        """The text of the turn under way, else of an earlier turn of this attempt."""
        return "".join(self.text) or self.last_words

    @property
    def worked_ms(self) -> int | None:
        return self.time.worked().ms if self.time else None

    def stop(self, cause: Cause) -> None:
        """Cancel the task, unless it is finishing; the first cause wins. Only from the task's own loop."""
        if self.cause is None and self.task is not None and not self.finishing:
            self.cause = cause
            self.task.cancel(cause.value)


async def run(job: Job) -> None:
    """Work until the run is ended, queued again or lost. Raises nothing."""
    with in_order():
        try:
            await _work(job)
        except LeaseLost:
            await db_sync_to_async(outcome.refuse_late, job.claim, "".join(job.text))
        except asyncio.CancelledError:
            await asyncio.shield(_finish_stopped(job))


async def _work(job: Job) -> None:
    try:
        finished = await _run_engine(job)
    except OutOfTime as out:
        finished = _failed(job, out.failure)
        await db_sync_to_async(outcome.report_to_breaker, out.profile, out.failure)
    except LeaseLost:
        raise
    except Exception as error:
        log.exception("Run %s failed with an unexpected error.", job.claim.run_id)
        finished = _failed(job, classify(error))
    job.finishing = True
    await db_sync_to_async(outcome.apply, job.claim, finished, job.gauge, job.worked_ms)


async def _run_engine(job: Job) -> Finished:
    """Run the engine until it has finished, within the run's time limit."""
    if not is_preloaded():
        await asyncio.to_thread(preload_sdk)
    with prioritised(Priority.STARTING):
        assignment, limit = await db_sync_to_async(assignments.build, job.claim, job.conf)
    job.time = RunTime(job.claim, assignment.work_time, limit)
    async with job.time.limited(assignment.profile), aclosing(runner.run(assignment)) as events:
        async for event in events:
            if isinstance(event, Finished):
                return event
            await _apply_event(job, event)
    raise RuntimeError("The engine ended without a Finished event.")


async def _apply_event(job: Job, event: Event) -> None:
    match event:
        case TurnStarted():
            job.last_words = "".join(job.text) or job.last_words
            job.text.clear()
        case TextDelta(text=text):
            job.text.append(text)
        case TurnFinished():
            assert job.time is not None
            await db_sync_to_async(outcome.record_progress, job.claim, job.time.worked())


def _failed(job: Job, failure: Failure) -> Finished:
    text = job.latest_text
    return Finished(
        outcome="failed",
        reason=failure.reason,
        failure=failure.kind,
        detail=failure.detail,
        text=text,
        partial=bool(text),
        retryable=failure.retryable,
    )


async def _finish_stopped(job: Job) -> None:
    """Apply the outcome of a run whose task was cancelled, by its cause."""
    match job.cause:
        case Cause.CANCELLED:
            ending = Ending(
                RunStatus.CANCELLED,
                kind=FailureKind.CANCELLED,
                result=job.latest_text,
                partial=True,
                worked_ms=job.worked_ms,
            )
            await db_sync_to_async(outcome.apply_ending, job.claim, ending, job.gauge)
        case Cause.LEASE_LOST:
            await db_sync_to_async(outcome.refuse_late, job.claim, "".join(job.text))
        case _:
            await db_sync_to_async(outcome.release, job.claim, job.worked_ms)
