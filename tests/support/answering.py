"""Replies at work: the desk's own task on the offline model, in the test's event loop."""

import asyncio
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User

from agents.models import Event
from chat.models import Message
from chat.transitions.latency import ReplyLatency
from chat.worker.reply_task import Cause, Job, answer
from stagent.lib import clock
from stagent.lib.db.async_db import db_sync_to_async
from tests.support.talking import begins, says
from tests.support.waiting import GLANCE_SEC, PATIENCE_SEC


async def sets_to_work(owner: User, text: str, **more: str | None) -> Job:
    """Let somebody say something, and a worker begin with the answer."""
    place = await db_sync_to_async(lambda: says(owner, text, clock.now(), **more))
    return await takes_up(place.reply_id)


async def takes_up(reply_id: int) -> Job:
    """Let a worker begin, or go on, with a reply."""
    job = Job(await db_sync_to_async(begins, reply_id, clock.now()), ReplyLatency(0))
    job.task = asyncio.create_task(answer(job))
    return job


async def end_of(job: Job) -> Message:
    """Wait until the worker is done with its reply."""
    assert job.task
    await asyncio.wait_for(job.task, PATIENCE_SEC)
    return await db_sync_to_async(lambda: Message.objects.get(pk=job.claim.message_id))


async def answered(owner: User, text: str, **more: str | None) -> Message:
    """Let somebody say something and be answered."""
    return await end_of(await sets_to_work(owner, text, **more))


async def stopped(job: Job, cause: Cause = Cause.STOPPED, after: str = "text_delta") -> Message:
    """Stop a worker as soon as an event of this kind is in its log."""
    await until(lambda: after in kinds(job.claim.transcript_id))
    job.stop(cause)
    return await end_of(job)


async def until[T](look: Callable[[], T]) -> T:
    """Return the first true thing that a look into the database finds."""
    async with asyncio.timeout(PATIENCE_SEC):
        while True:
            if found := await db_sync_to_async(look):
                return found
            await asyncio.sleep(GLANCE_SEC)


def kinds(transcript_id: int) -> list[str]:
    """Return what kinds of events are in a log, in order."""
    return [event.kind for event in events(transcript_id)]


def events(transcript_id: int) -> list[Event]:
    return list(Event.objects.filter(transcript=transcript_id).order_by("seq"))


def last(transcript_id: int, kind: str) -> dict[str, Any]:
    """Return what the last event of a kind says."""
    found: dict[str, Any] = [event for event in events(transcript_id) if event.kind == kind][-1].data
    return found
