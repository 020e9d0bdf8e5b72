"""Runs an engine and yields its events after they are written: nobody sees an event that is not stored.

The engine runs in its own task and emits events. Each write takes all that are pending, consecutive deltas as
one event; during a write the next batch collects, so a slow database gets larger batches. The pending text is
bounded: beyond that the engine waits, and with it the provider. Any other event than a delta is written when
`emit` returns: no tool starts before the reply that asked for it is stored.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import groupby
from typing import Protocol
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from agents.errors import LeaseLost
from agents.protocol.events import Event, ReplyStarted, TextDelta, ThinkingDelta
from agents.transcripts import batch_writer, transcript
from stagent.lib.db.async_db import db_sync_to_async

MAX_PENDING_CHARS = 64 * 1024  # of deltas that are emitted and not yet in a batch

AnyDelta = TextDelta | ThinkingDelta


class Emit(Protocol):
    """Emits an event to the log; `drain` waits until all that was emitted is written."""

    async def __call__(self, event: Event) -> None: ...

    async def drain(self) -> None: ...


type Engine = Callable[[Emit], Awaitable[None]]


async def record(engine: Engine, transcript_id: int, token: UUID) -> AsyncGenerator[Event]:
    """Run an engine and yield its events once they are written; closing the generator stops the engine.

    Raises `LeaseLost` as soon as a write is refused. What was emitted before a stop is written all the same.
    """
    recorder = _Recorder(transcript_id, token)
    task = asyncio.create_task(recorder.run(engine), name=f"engine of transcript {transcript_id}")
    try:
        while await recorder.collect():
            for event in await recorder.write():
                yield event
        await task
    finally:
        task.cancel()
        await asyncio.wait({task})
        _ = task.cancelled() or task.exception()  # retrieved, or asyncio logs it as never retrieved
        await recorder.flush()


class _Recorder:
    def __init__(self, transcript_id: int, token: UUID) -> None:
        self._transcript_id, self._token = transcript_id, token
        self._inbox: asyncio.Queue[Event | None] = asyncio.Queue()  # None: the engine is done
        self._pending_chars = 0  # in the inbox
        self._has_space = asyncio.Event()
        self._has_space.set()
        self._batch: list[Event] = []
        self._taken_count = 0  # items taken from the inbox into the batch
        self._text_written = False  # the last batch ended with a delta
        self._is_done = self._is_refused = False
        self._write_task: asyncio.Task[None] | None = None  # the latest write
        self._last_seq: int | None = None
        self._is_uncertain = False  # the last write failed and may have been committed

    async def run(self, engine: Engine) -> None:
        try:
            await engine(self)
        finally:
            self._inbox.put_nowait(None)

    async def __call__(self, event: Event) -> None:
        """Accept an event from the engine; anything but a delta is written when this returns."""
        self._inbox.put_nowait(event)
        if isinstance(event, ReplyStarted):
            return  # written with the first delta
        if not isinstance(event, AnyDelta):
            await self._inbox.join()
            return
        self._pending_chars += len(event.text)
        if self._pending_chars >= MAX_PENDING_CHARS:
            self._has_space.clear()
            await self._has_space.wait()
        else:
            await asyncio.sleep(0)  # let other tasks run: the whole stream may be in memory

    async def drain(self) -> None:
        await self._inbox.join()

    async def collect(self) -> bool:
        """Wait for an event and take all that are pending; False if the engine is done."""
        while not self._batch and not self._is_done:
            self._add(await self._inbox.get())
            self._take_inbox()
        return bool(self._batch)

    async def write(self) -> list[Event]:
        """Write the collected batch and return it."""
        events, taken = self._take_batch()
        try:
            await self._start_write(events)
        except (LeaseLost, DatabaseError, InterfaceError) as error:
            self._is_refused = True
            raise LeaseLost(str(error)) from error
        for _ in range(taken):
            self._inbox.task_done()
        return events

    async def flush(self) -> None:
        """Write what was emitted and not yet written when the engine was stopped.

        It waits for the write under way: the caller revokes the writer token next.
        """
        if self._write_task:
            await asyncio.wait({self._write_task})
            self._is_refused |= _lost_lease(self._write_task)
        self._take_inbox()
        if self._batch and not self._is_refused:
            with suppress(LeaseLost, DatabaseError, InterfaceError):
                await self._start_write(self._take_batch()[0])

    def _take_inbox(self) -> None:
        """Move everything in the inbox to the batch."""
        while not self._inbox.empty():
            self._add(self._inbox.get_nowait())
        self._pending_chars = 0
        self._has_space.set()

    def _add(self, event: Event | None) -> None:
        self._taken_count += 1
        if event is None:
            self._is_done = True
        else:
            self._batch.append(event)

    def _take_batch(self) -> tuple[list[Event], int]:
        emptied = list(_join_deltas(self._batch)), self._taken_count
        self._batch, self._taken_count = [], 0
        return emptied

    def _is_urgent(self, events: list[Event]) -> bool:
        """Return whether a caller waits for this batch: the engine, or a reader for the first text."""
        had_text, self._text_written = self._text_written, isinstance(events[-1], AnyDelta)
        return not had_text or not all(isinstance(event, AnyDelta) for event in events)

    async def _start_write(self, events: list[Event]) -> None:
        """Write in a separate task, so that a cancellation does not interrupt it or repeat it."""
        self._write_task = asyncio.create_task(self._write(events), name="write")
        await asyncio.shield(self._write_task)

    async def _write(self, events: list[Event]) -> None:
        """Write the batch; after an error, only if the failed write was not committed."""
        if self._is_uncertain and await self._is_written(len(events)):
            return
        self._is_uncertain = True
        request = self._transcript_id, self._token, events
        self._last_seq = await batch_writer.current_writer().append(*request, urgent=self._is_urgent(events))
        self._is_uncertain = False

    async def _is_written(self, count: int) -> bool:
        """Return whether the failed write was committed."""
        last_seq = await db_sync_to_async(transcript.last_seq, self._transcript_id, self._token)
        if last_seq is None or self._last_seq is None:  # the first write: its start number is unknown
            raise LeaseLost(f"Transcript {self._transcript_id} has another writer now.")
        is_written = last_seq == self._last_seq + count
        self._last_seq, self._is_uncertain = last_seq, False
        return is_written


def _join_deltas(events: Iterable[Event]) -> Iterator[Event]:
    """Join consecutive deltas of one kind and turn."""
    for _, run in groupby(events, key=_group_key):
        first, *more = run
        if isinstance(first, AnyDelta) and more:
            first = replace(
                first, text="".join(each.text for each in (first, *more) if isinstance(each, AnyDelta))
            )
        yield first


def _group_key(event: Event) -> object:
    return (event.kind, event.turn) if isinstance(event, AnyDelta) else id(event)


def _lost_lease(write: "asyncio.Task[None]") -> bool:
    return not write.cancelled() and isinstance(write.exception(), LeaseLost)
