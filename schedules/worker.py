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

from agents import runner
from agents.bridge import in_database
from agents.errors import LeaseLost
from agents.events import Event, Finished, TextDelta, TurnFinished, TurnStarted
from agents.runtimes import warm_up
from agents.states import FailureReason
from schedules import assignments, endings
from schedules.conf import Conf
from schedules.states import RunStatus
from schedules.transitions import Claim, Ending
from schedules.vitals import Gauge

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
    gauge: Gauge
    conf: Conf
    cause: Cause | None = None
    task: "asyncio.Task[None] | None" = None
    confirmed_at: float = 0.0  # monotonic: when the lease was last known to be ours
    settling: bool = False  # the engine has finished; what is left is to write that down
    text: list[str] = field(default_factory=list)  # of the turn that streams
    ended: "Future[None]" = field(default_factory=Future)  # for who waits on another loop

    def stop(self, cause: Cause) -> None:
        """Cancel the task, unless it is settling; the first cause stands. Only from the task's own loop."""
        if self.cause is None and self.task is not None and not self.settling:
            self.cause = cause
            self.task.cancel(cause.value)


async def work(job: Job) -> None:
    """Work until the run is ended, queued again or lost; nothing escapes but the stopping itself."""
    try:
        await _work(job)
    except LeaseLost:
        await in_database(endings.refuse_late, job.claim, "".join(job.text))
    except asyncio.CancelledError:
        await asyncio.shield(_stopped(job))


async def _work(job: Job) -> None:
    try:
        finished = await _converse(job)
    except TimeoutError:
        finished = _failed(job, FailureReason.LEASE_EXPIRED, "It ran longer than its limit.")
    except LeaseLost:
        raise
    except Exception as error:
        log.exception("Run %s broke its worker.", job.claim.run_id)
        finished = _failed(job, FailureReason.SDK_ERROR, f"{type(error).__name__}: {error}")
    job.settling = True
    await in_database(endings.conclude, job.claim, finished, job.gauge)


async def _converse(job: Job) -> Finished:
    """Let the engine take turns until it has finished, within the run's wall-clock limit."""
    await asyncio.to_thread(warm_up)
    assignment, seconds = await in_database(assignments.prepare, job.claim, job.conf)
    async with asyncio.timeout(seconds):
        async with aclosing(runner.work(assignment)) as happenings:
            async for event in happenings:
                if isinstance(event, Finished):
                    return event
                await _follow(job, event)
    raise RuntimeError("The engine stopped without saying how it ended.")


async def _follow(job: Job, event: Event) -> None:
    match event:
        case TurnStarted():
            job.text.clear()
        case TextDelta(text=text):
            job.text.append(text)
        case TurnFinished():
            await in_database(endings.note_turn, job.claim, event.turn)


def _failed(job: Job, reason: FailureReason, detail: str) -> Finished:
    text = "".join(job.text)
    return Finished(outcome="failed", reason=reason, detail=detail, text=text, partial=bool(text))


async def _stopped(job: Job) -> None:
    """Settle a run that was told to stop, as its cause says."""
    match job.cause:
        case Cause.CANCELLED:
            ending = Ending(
                RunStatus.CANCELLED, FailureReason.ABORTED, result="".join(job.text), partial=True
            )
            await in_database(endings.settle, job.claim, ending, job.gauge)
        case Cause.LEASE_LOST:
            await in_database(endings.refuse_late, job.claim, "".join(job.text))
        case _:
            await in_database(endings.hand_back, job.claim)
