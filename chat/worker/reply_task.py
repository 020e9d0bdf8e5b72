"""One reply from start to end: run the engine, notify the pages after each write, finalise the reply.

It runs as a task of the reply worker, not inside a socket: closing the page stops nothing. Events are written
before they are shown. `Job.stop` cancels the task and records the cause.
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
from agents.failure_policies import Retry, policy
from agents.protocol.events import Finished, Notice, TextDelta, TurnFinished, TurnStarted
from agents.runtimes import is_preloaded, preload_sdk
from agents.runtimes.failure_classifier import classify
from agents.states import FailureKind, FailureReason
from agents.transcripts import transcript
from chat import conf
from chat.feed.broadcast import publish
from chat.states import MessageStatus, Reason
from chat.transitions import Claim, End, finalise, park
from chat.transitions.latency import ReplyLatency
from chat.worker import build_assignment
from stagent.lib import clock
from stagent.lib.db.async_db import db_sync_to_async, in_order
from stagent.lib.text import sentence

FIRST_RETRY_SEC = 1.0  # doubled at each retry; the limits of a reply are in `agents.failure_policies`
LOADING = "The server is still loading the model. The reply starts when it is ready."


log = logging.getLogger(__name__)


class Cause(Enum):
    """Why a job was stopped."""

    STOPPED = "stopped"  # by the user
    LEASE_LOST = "lease_lost"  # another worker may have it
    SHUTDOWN = "shutdown"  # of the process


@dataclass(eq=False)
class Job:
    """A claimed reply and the task that works on it."""

    claim: Claim
    latency: ReplyLatency
    assignment: Assignment | None = None  # of the first attempt, if it was built with the claim
    cause: Cause | None = None
    task: "asyncio.Task[None] | None" = None
    confirmed_at: float = 0.0  # monotonic time of the last confirmed claim or renewal
    finalising: bool = False
    has_shown: bool = False  # whether words of the turn under way were shown

    def stop(self, cause: Cause) -> None:
        """Cancel the task, unless it is finalising; the first cause wins. Only from the task's own loop."""
        if self.cause is None and self.task is not None and not self.finalising:
            self.cause = cause
            self.task.cancel(cause.value)


async def answer(job: Job) -> None:
    """Work until the reply is finalised, parked or lost. Raises nothing."""
    with in_order():
        try:
            await _finish(job, await _run_engine(job))
        except LeaseLost:
            await asyncio.shield(_finish_lost(job))
        except asyncio.CancelledError:
            await asyncio.shield(_finish_stopped(job))


async def _run_engine(job: Job) -> Finished:
    """Run the engine, retries included, within the longest time of a reply."""
    try:
        async with asyncio.timeout(conf.MAX_REPLY_SEC):
            if not is_preloaded():
                await asyncio.to_thread(preload_sdk)
            return await _run_with_retries(job)
    except TimeoutError:
        detail = f"The reply took longer than {conf.MAX_REPLY_SEC // 60} minutes."
        return Finished("failed", FailureReason.TIMEOUT, detail, failure=FailureKind.STALLED)
    except LeaseLost:
        raise
    except Exception as error:
        log.exception("Reply %s failed with an unexpected error.", job.claim.message_id)
        failure = classify(error)
        return Finished("failed", failure.reason, failure.detail, failure=failure.kind)


async def _run_with_retries(job: Job) -> Finished:
    """Run attempts until one succeeds, has shown words, or exhausts the retries of its kind of failure."""
    total_wait = 0.0
    for number in count(1):
        finished = await _attempt(job)
        wait = _retry_delay(job, finished, number, total_wait)
        if wait is None:
            return _with_retry_detail(finished, number)
        if finished.failure == FailureKind.LOADING and number == 1:
            await db_sync_to_async(_append, job, Notice(FailureKind.LOADING, LOADING))
            publish(job.claim.owner_id)
        await asyncio.sleep(wait)
        total_wait += wait
    raise AssertionError("unreachable")


async def _attempt(job: Job) -> Finished:
    # Later attempts load the history of the earlier ones.
    assignment = job.assignment or replace(
        await db_sync_to_async(build_assignment.build, job.claim), is_first_attempt=False
    )
    job.assignment, job.has_shown = None, False
    async with aclosing(runner.run(assignment)) as events:
        async for event in events:
            match event:
                case Finished():
                    return event
                case TurnStarted():
                    job.latency.record_request()
                case TextDelta():
                    job.has_shown = True
                    job.latency.record_first_word()
                case TurnFinished():
                    job.has_shown = False  # the turn is stored: another attempt continues after it
            publish(job.claim.owner_id)
    raise RuntimeError("The engine ended without a Finished event.")


def _retry_delay(job: Job, finished: Finished, number: int, total_wait: float) -> float | None:
    """Return the seconds to wait before the next attempt; None if there is none."""
    if not finished.retryable or finished.failure is None or job.has_shown:
        return None
    patience = policy(finished.failure).chat
    backoff = min(FIRST_RETRY_SEC * 2 ** (number - 1), patience.longest_sec) * random.uniform(0.5, 1)
    wait = max(backoff, finished.retry_after_sec or 0)
    is_last = (
        number >= patience.tries or wait > patience.longest_sec or total_wait + wait > patience.total_sec
    )
    return None if is_last else wait


def _with_retry_detail(finished: Finished, number: int) -> Finished:
    """Add to the detail of a temporary provider failure how often the provider was asked."""
    if finished.failure is None or policy(finished.failure).retry != Retry.HORIZON:
        return finished
    patience = policy(finished.failure).chat
    if (asked := finished.retry_after_sec or 0) > patience.longest_sec:
        retries = f"The provider asks to wait {ceil(asked / 60)} min."
    elif number > 1:
        retries = f"It was asked {number} times."
    else:
        return finished
    return replace(finished, detail=f"{sentence(finished.detail)} {retries}".strip())


async def _finish(job: Job, finished: Finished) -> None:
    job.finalising = True
    if finished.outcome == "parked":
        await db_sync_to_async(_park, job)
    else:
        await _end(job, End.of(finished, job.latency.facts()))


async def _finish_stopped(job: Job) -> None:
    """Finalise a reply whose task was cancelled, by its cause."""
    latency = job.latency.facts()
    match job.cause:
        case Cause.STOPPED:
            await _end(job, End(MessageStatus.STOPPED, Reason.CLIENT_STOP, waited=latency))
        case Cause.LEASE_LOST:
            await _finish_lost(job)
        case _:
            await _end(job, End(MessageStatus.INTERRUPTED, Reason.SHUTDOWN, waited=latency))


async def _finish_lost(job: Job) -> None:
    """Finalise a reply whose lease could not be confirmed, if no other process has done so."""
    job.finalising = True
    end = End(MessageStatus.INTERRUPTED, Reason.LEASE_LOST, waited=job.latency.facts())
    await _end(job, end)
    log.warning("Reply %s lost its lease and was stopped.", job.claim.message_id)


def interrupt(job: Job) -> None:
    """Finalise a reply as interrupted by the shutdown, where its task could not; from any thread."""
    try:
        _finalise(job, End(MessageStatus.INTERRUPTED, Reason.SHUTDOWN, waited=job.latency.facts()))
    except LeaseLost:
        log.info("Reply %s was finalised meanwhile.", job.claim.message_id)


async def _end(job: Job, end: End) -> None:
    await db_sync_to_async(_finalise, job, end)


def _finalise(job: Job, end: End) -> None:
    finalise(job.claim.message_id, end, now=clock.now(), token=job.claim.token)


def _append(job: Job, notice: Notice) -> None:
    transcript.append(job.claim.transcript_id, job.claim.token, [notice], clock.now())


def _park(job: Job) -> None:
    park(job.claim, now=clock.now())
