"""One claimed run, start to end: let the engine work, write how far it came, end it as what happened says.

Runs as an asyncio task; whoever wants it to stop says why with `Job.stop`. It does not renew its
lease (the renewer does) and never writes without its token.
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
from agents.runtimes.errors import Failure, classify
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

log = logging.getLogger("stagent.worker")


class Cause(Enum):
    """Why a job was told to stop."""

    CANCELLED = "cancelled"  # somebody asked
    LEASE_LOST = "lease_lost"  # it is not ours any more
    SHUTDOWN = "shutdown"  # the process leaves; not a failure


@dataclass(eq=False)
class Job:
    """A claimed run and the task that works on it."""

    claim: Claim
    gauge: RunMetrics
    conf: Conf
    cause: Cause | None = None
    task: "asyncio.Task[None] | None" = None
    confirmed_at: float = 0.0  # monotonic: when the lease was last known to be ours
    settling: bool = False  # the engine has finished; what is left is to write that down
    text: list[str] = field(default_factory=list)  # of the turn that streams
    last_words: str = ""  # of an earlier turn
    time: "RunTime | None" = None  # how long it works, once it is known how long it may
    ended: "Future[None]" = field(default_factory=Future)  # for who waits on another loop

    @property
    def said(self) -> str:
        """The last words: of the turn that streams, else of an earlier one of this attempt."""
        return "".join(self.text) or self.last_words

    @property
    def worked_ms(self) -> int | None:
        return self.time.worked().ms if self.time else None

    def stop(self, cause: Cause) -> None:
        """Cancel the task, unless it is settling; the first cause stands. Only from the task's own loop."""
        if self.cause is None and self.task is not None and not self.settling:
            self.cause = cause
            self.task.cancel(cause.value)


async def run(job: Job) -> None:
    """Work until the run is ended, queued again or lost; nothing escapes but the stopping itself."""
    with in_order():
        try:
            await _work(job)
        except LeaseLost:
            await db_sync_to_async(outcome.refuse_late, job.claim, "".join(job.text))
        except asyncio.CancelledError:
            await asyncio.shield(_stopped(job))


async def _work(job: Job) -> None:
    try:
        finished = await _converse(job)
    except OutOfTime as out:
        finished = _failed(job, out.failure)
        await db_sync_to_async(outcome.report_to_breaker, out.profile, out.failure)
    except LeaseLost:
        raise
    except Exception as error:
        log.exception("Run %s broke its worker.", job.claim.run_id)
        finished = _failed(job, classify(error))
    job.settling = True
    await db_sync_to_async(outcome.apply, job.claim, finished, job.gauge, job.worked_ms)


async def _converse(job: Job) -> Finished:
    """Let the engine take turns until it has finished, within the time that the run may work."""
    if not is_preloaded():
        await asyncio.to_thread(preload_sdk)
    with prioritised(Priority.STARTING):
        assignment, limit = await db_sync_to_async(assignments.build, job.claim, job.conf)
    job.time = RunTime(job.claim, assignment.worktime, limit)
    async with job.time.limited(assignment.profile), aclosing(runner.run(assignment)) as happenings:
        async for event in happenings:
            if isinstance(event, Finished):
                return event
            await _follow(job, event)
    raise RuntimeError("The engine stopped without saying how it ended.")


async def _follow(job: Job, event: Event) -> None:
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
    text = job.said
    return Finished(
        outcome="failed",
        reason=failure.reason,
        failure=failure.kind,
        detail=failure.detail,
        text=text,
        partial=bool(text),
        retryable=failure.retryable,
    )


async def _stopped(job: Job) -> None:
    """Settle a run that was told to stop, as its cause says."""
    match job.cause:
        case Cause.CANCELLED:
            ending = Ending(
                RunStatus.CANCELLED,
                kind=FailureKind.CANCELLED,
                result=job.said,
                partial=True,
                worked_ms=job.worked_ms,
            )
            await db_sync_to_async(outcome.apply_ending, job.claim, ending, job.gauge)
        case Cause.LEASE_LOST:
            await db_sync_to_async(outcome.refuse_late, job.claim, "".join(job.text))
        case _:
            await db_sync_to_async(outcome.release, job.claim, job.worked_ms)
