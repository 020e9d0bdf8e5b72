"""Written before shown: everything the engine tells is in the transcript before anybody sees it.

The engine runs in a task of its own and tells what happens. Each write takes all that waits, words in a row
as one event, and while it is under way the next gathers: the slower the log, the bigger the batches. What may
wait is bounded; beyond that the engine waits, and with it the provider. For anything but words the engine
always waits until it is written: no tool starts before the reply that asked for it is kept.
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

MOST_WAITING_CHARS = 64 * 1024  # of words that are told and not yet taken to be written

Words = TextDelta | ThinkingDelta


class Emit(Protocol):
    """Emits an event to the log; `drain` waits until all that was emitted is written."""

    async def __call__(self, event: Event) -> None: ...

    async def drain(self) -> None: ...


type Engine = Callable[[Emit], Awaitable[None]]


async def record(engine: Engine, transcript_id: int, token: UUID) -> AsyncGenerator[Event]:
    """Run an engine and yield what it tells, once that is written; closing the generator stops the engine.

    Raises LeaseLost as soon as a write is refused. What was said before a stop is kept all the same.
    """
    recorder = _Recorder(transcript_id, token)
    task = asyncio.create_task(recorder.run(engine), name=f"engine of transcript {transcript_id}")
    try:
        while await recorder.gather():
            for event in await recorder.write():
                yield event
        await task
    finally:
        task.cancel()
        await asyncio.wait({task})
        _ = task.cancelled() or task.exception()  # looked at, or asyncio complains of it later
        await recorder.write_the_rest()


class _Recorder:
    def __init__(self, transcript_id: int, token: UUID) -> None:
        self._transcript_id, self._token = transcript_id, token
        self._inbox: asyncio.Queue[Event | None] = asyncio.Queue()  # None: the engine is done
        self._waiting = 0  # characters in the inbox
        self._room = asyncio.Event()
        self._room.set()
        self._batch: list[Event] = []
        self._taken = 0  # from the inbox into the batch
        self._speaks = False  # whether words of the turn under way are written
        self._ended = self._refused = False
        self._writing: asyncio.Task[None] | None = None  # the latest write
        self._seq: int | None = None
        self._doubtful = False  # whether the last write may have been made, though an error said otherwise

    async def run(self, engine: Engine) -> None:
        """Let the engine work."""
        try:
            await engine(self)
        finally:
            self._inbox.put_nowait(None)

    async def __call__(self, event: Event) -> None:
        """Take an event from the engine; anything but a bit of a reply is written when this returns."""
        self._inbox.put_nowait(event)
        if isinstance(event, ReplyStarted):
            return  # it is written with the first words, which wait for nobody
        if not isinstance(event, Words):
            await self._inbox.join()
            return
        self._waiting += len(event.text)
        if self._waiting >= MOST_WAITING_CHARS:
            self._room.clear()
            await self._room.wait()
        else:
            await asyncio.sleep(0)  # a stream that is all there already must not keep everybody waiting

    async def drain(self) -> None:
        await self._inbox.join()

    async def gather(self) -> bool:
        """Wait for something to write and take all there is; False when nothing more is to come."""
        while not self._batch and not self._ended:
            self._add(await self._inbox.get())
            self._add_all()
        return bool(self._batch)

    async def write(self) -> list[Event]:
        """Write what was gathered and return it."""
        happened, taken = self._empty()
        try:
            await self._begin_to_write(happened)
        except (LeaseLost, DatabaseError, InterfaceError) as error:
            self._refused = True
            raise LeaseLost(str(error)) from error
        for _ in range(taken):
            self._inbox.task_done()
        return happened

    async def write_the_rest(self) -> None:
        """Keep what was told and not written when the engine was stopped.

        The write under way is waited for: whoever is to end it all takes the pen next.
        """
        if self._writing:
            await asyncio.wait({self._writing})
            self._refused |= _is_refused(self._writing)
        self._add_all()
        if self._batch and not self._refused:
            with suppress(LeaseLost, DatabaseError, InterfaceError):
                await self._begin_to_write(self._empty()[0])

    def _add_all(self) -> None:
        """Take all that waits in the inbox."""
        while not self._inbox.empty():
            self._add(self._inbox.get_nowait())
        self._waiting = 0
        self._room.set()

    def _add(self, event: Event | None) -> None:
        self._taken += 1
        if event is None:
            self._ended = True
        else:
            self._batch.append(event)

    def _empty(self) -> tuple[list[Event], int]:
        emptied = list(_joined(self._batch)), self._taken
        self._batch, self._taken = [], 0
        return emptied

    def _is_urgent(self, happened: list[Event]) -> bool:
        """Tell whether somebody waits for this: the engine, or a reader for the first word."""
        spoke, self._speaks = self._speaks, isinstance(happened[-1], Words)
        return not spoke or not all(isinstance(event, Words) for event in happened)

    async def _begin_to_write(self, happened: list[Event]) -> None:
        """Write in a task of its own: it is finished when a stop comes, not made twice or half."""
        self._writing = asyncio.create_task(self._write_down(happened), name="write")
        await asyncio.shield(self._writing)

    async def _write_down(self, happened: list[Event]) -> None:
        """Write, also for a second time after an error: what is there already is not written again."""
        if self._doubtful and await self._is_there(len(happened)):
            return
        self._doubtful = True
        page = self._transcript_id, self._token, happened
        self._seq = await batch_writer.current_writer().append(*page, urgent=self._is_urgent(happened))
        self._doubtful = False

    async def _is_there(self, many: int) -> bool:
        """Tell whether the write that ended in an error was made."""
        there = await db_sync_to_async(transcript.last_seq, self._transcript_id, self._token)
        if there is None or self._seq is None:  # the first write of all: nobody knows from where it counts
            raise LeaseLost(f"Transcript {self._transcript_id} has another writer now.")
        made = there == self._seq + many
        self._seq, self._doubtful = there, False
        return made


def _joined(happened: Iterable[Event]) -> Iterator[Event]:
    """Join the words in a row of one kind and turn."""
    for _, run in groupby(happened, key=_row):
        first, *more = run
        if isinstance(first, Words) and more:
            first = replace(
                first, text="".join(each.text for each in (first, *more) if isinstance(each, Words))
            )
        yield first


def _row(event: Event) -> object:
    return (event.kind, event.turn) if isinstance(event, Words) else id(event)


def _is_refused(write: "asyncio.Task[None]") -> bool:
    return not write.cancelled() and isinstance(write.exception(), LeaseLost)
