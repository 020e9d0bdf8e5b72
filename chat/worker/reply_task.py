"""One reply, start to end: let the engine work, tell whoever watches, settle it as what happened says.

Runs as a task of the desk, never inside of a socket: closing the page stops nothing. What is shown was
written first; whoever stops the task says why with `Job.stop`.
"""

import asyncio
import logging
import random
from contextlib import aclosing
from dataclasses import dataclass, replace
from enum import Enum
from itertools import count
from math import ceil

from agents.engine import runner
from agents.engine.assignment import Assignment
from agents.errors import LeaseLost
from agents.failures import Retry, policy
from agents.protocol.events import Finished, Notice, TextDelta, TurnFinished, TurnStarted
from agents.runtimes import is_preloaded, preload_sdk
from agents.runtimes.errors import classify
from agents.states import FailureKind, FailureReason
from agents.transcripts import transcript
from chat import conf
from chat.feed.broadcast import publish
from chat.states import MessageStatus, Reason
from chat.transitions import Claim, End, finalise, park
from chat.transitions.latency import ReplyLatency
from chat.worker import assignment as contexts
from stagent.lib import clock
from stagent.lib.db.from_async import db_sync_to_async, in_order
from stagent.lib.text import sentence

FIRST_WAIT_SEC = 1.0  # doubled at each try; `agents.failures` says how long a reply waits, and for what
LOADING = "The server is still loading the model; the answer begins when it is ready."


log = logging.getLogger("stagent.replies")


class Cause(Enum):
    """Why a job was told to stop."""

    STOPPED = "stopped"  # a person asked
    LEASE_LOST = "lease_lost"  # it is not ours any more
    SHUTDOWN = "shutdown"  # the process leaves


@dataclass(eq=False)
class Job:
    """A claimed reply and the task that works on it."""

    claim: Claim
    waited: ReplyLatency
    assignment: Assignment | None = None  # of the first attempt, where it was read with the claim
    cause: Cause | None = None
    task: "asyncio.Task[None] | None" = None
    confirmed_at: float = 0.0  # monotonic: when the lease was last known to be ours
    settling: bool = False
    said: bool = False  # whether a word was shown of a turn that is not whole yet

    def stop(self, cause: Cause) -> None:
        """Cancel the task, unless it is settling; the first cause stands. Only from the task's own loop."""
        if self.cause is None and self.task is not None and not self.settling:
            self.cause = cause
            self.task.cancel(cause.value)


async def answer(job: Job) -> None:
    """Work until the reply is settled, parked or lost; nothing escapes but the stopping itself."""
    with in_order():
        try:
            await _settle(job, await _converse(job))
        except LeaseLost:
            log.warning("The reply %s is not ours any more; what came late is dropped.", job.claim.message_id)
        except asyncio.CancelledError:
            await asyncio.shield(_stopped(job))


async def _converse(job: Job) -> Finished:
    """Let the engine work, and again while it may be tried again, within the longest time of a reply."""
    try:
        async with asyncio.timeout(conf.MAX_REPLY_SEC):
            if not is_preloaded():
                await asyncio.to_thread(preload_sdk)
            return await _with_patience(job)
    except TimeoutError:
        detail = f"The answer took longer than {conf.MAX_REPLY_SEC // 60} minutes."
        return Finished("failed", FailureReason.TIMEOUT, detail, failure=FailureKind.STALLED)
    except LeaseLost:
        raise
    except Exception as error:
        log.exception("The reply %s broke its worker.", job.claim.message_id)
        failure = classify(error)
        return Finished("failed", failure.reason, failure.detail, failure=failure.kind)


async def _with_patience(job: Job) -> Finished:
    """Let the engine work; ask again, until a word is shown, for as long as the kind of failure says."""
    waited = 0.0
    for number in count(1):
        finished = await _attempt(job)
        wait = _wait_before_next(job, finished, number, waited)
        if wait is None:
            return _told_how_often(finished, number)
        if finished.failure == FailureKind.LOADING and number == 1:
            await db_sync_to_async(_tell, job, Notice(FailureKind.LOADING, LOADING))
            publish(job.claim.owner_id)
        await asyncio.sleep(wait)
        waited += wait
    raise AssertionError("unreachable")


async def _attempt(job: Job) -> Finished:
    # Only the first attempt has nothing to recall.
    assignment = job.assignment or replace(await db_sync_to_async(contexts.build, job.claim), fresh=False)
    job.assignment, job.said = None, False
    async with aclosing(runner.run(assignment)) as happenings:
        async for event in happenings:
            match event:
                case Finished():
                    return event
                case TurnStarted():
                    job.waited.note_asked()
                case TextDelta():
                    job.said = True
                    job.waited.note_spoken()
                case TurnFinished():
                    job.said = False  # it is kept: another attempt goes on after it
            publish(job.claim.owner_id)
    raise RuntimeError("The engine stopped without saying how it ended.")


def _wait_before_next(job: Job, finished: Finished, number: int, waited: float) -> float | None:
    """Return how many seconds to wait before asking again; None: this is how it ends."""
    if not finished.retryable or finished.failure is None or job.said:
        return None
    patience = policy(finished.failure).chat
    backoff = min(FIRST_WAIT_SEC * 2 ** (number - 1), patience.longest_sec) * random.uniform(0.5, 1)
    wait = max(backoff, finished.retry_after_sec or 0)
    enough = number >= patience.tries or wait > patience.longest_sec or waited + wait > patience.total_sec
    return None if enough else wait


def _told_how_often(finished: Finished, number: int) -> Finished:
    """Say how much patience there was with a provider whose trouble passes."""
    if finished.failure is None or policy(finished.failure).retry != Retry.HORIZON:
        return finished
    patience = policy(finished.failure).chat
    if (asked := finished.retry_after_sec or 0) > patience.longest_sec:
        told = f"It asks to wait {ceil(asked / 60)} min."
    elif number > 1:
        told = f"It was asked {number} times."
    else:
        return finished
    return replace(finished, detail=f"{sentence(finished.detail)} {told}".strip())


async def _settle(job: Job, finished: Finished) -> None:
    job.settling = True
    if finished.outcome == "parked":
        await db_sync_to_async(_park, job)
    else:
        await _end(job, End.of(finished, job.waited.facts()))


async def _stopped(job: Job) -> None:
    """Settle a reply that was told to stop, as its cause says."""
    waited = job.waited.facts()
    match job.cause:
        case Cause.STOPPED:
            await _end(job, End(MessageStatus.STOPPED, Reason.CLIENT_STOP, waited=waited))
        case Cause.LEASE_LOST:
            log.warning("The reply %s is not ours any more.", job.claim.message_id)
        case _:
            await _end(job, End(MessageStatus.INTERRUPTED, Reason.SHUTDOWN, waited=waited))


def interrupt(job: Job) -> None:
    """Settle a reply whose task could not, as interrupted by the shutdown; from any thread."""
    try:
        _finalise(job, End(MessageStatus.INTERRUPTED, Reason.SHUTDOWN, waited=job.waited.facts()))
    except LeaseLost:
        log.info("The reply %s was settled meanwhile.", job.claim.message_id)


async def _end(job: Job, end: End) -> None:
    await db_sync_to_async(_finalise, job, end)


def _finalise(job: Job, end: End) -> None:
    finalise(job.claim.message_id, end, now=clock.now(), token=job.claim.token)


def _tell(job: Job, notice: Notice) -> None:
    transcript.append(job.claim.transcript_id, job.claim.token, [notice], clock.now())


def _park(job: Job) -> None:
    park(job.claim, now=clock.now())
