"""Written before shown: everything the engine tells is in the transcript before anybody sees it.

The engine runs in a task of its own and tells what happens. Bits of text are gathered for a moment and
written together, also while the model pauses; anything else is written at once, and the engine waits until it
is: no tool starts before the reply that asked for it is kept.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from agents import scribe, transcript
from agents.bridge import in_database
from agents.errors import LeaseLost
from agents.events import Event, TextDelta, ThinkingDelta

GATHER_SEC = 0.05
GATHER_CHARS = 1024

type Tell = Callable[[Event], Awaitable[None]]
type Engine = Callable[[Tell], Awaitable[None]]


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
        self._batch: list[Event] = []
        self._taken = 0  # from the inbox into the batch
        self._urgent = self._ended = self._refused = False
        self._written_at = float("-inf")
        self._writing: asyncio.Task[None] | None = None  # the latest write
        self._seq: int | None = None
        self._doubtful = False  # whether the last write may have been made, though an error said otherwise

    async def run(self, engine: Engine) -> None:
        """Let the engine work."""
        try:
            await engine(self.tell)
        finally:
            self._inbox.put_nowait(None)

    async def tell(self, event: Event) -> None:
        """Take an event from the engine; anything but a bit of text is written when this returns."""
        self._inbox.put_nowait(event)
        if isinstance(event, TextDelta | ThinkingDelta):
            await asyncio.sleep(0)  # a stream that is all there already must not keep everybody waiting
        else:
            await self._inbox.join()

    async def gather(self) -> bool:
        """Wait until something is due to be written; False when there is nothing more to come."""
        while not self._is_due():
            try:
                async with asyncio.timeout(self._patience()):
                    self._add(await self._inbox.get())
            except TimeoutError:
                break
        return bool(self._batch)

    async def write(self) -> list[Event]:
        """Write what was gathered and return it."""
        happened, taken = self._empty()
        begun_at = time.monotonic()
        try:
            await self._begin_to_write(happened)
        except (LeaseLost, DatabaseError, InterfaceError) as error:
            self._refused = True
            raise LeaseLost(str(error)) from error
        for _ in range(taken):
            self._inbox.task_done()
        if any(isinstance(event, TextDelta | ThinkingDelta) for event in happened):
            self._written_at = begun_at
        return happened

    async def write_the_rest(self) -> None:
        """Keep what was told and not written when the engine was stopped.

        The write under way is waited for: whoever is to end it all takes the pen next.
        """
        if self._writing:
            await asyncio.wait({self._writing})
            self._refused |= _is_refused(self._writing)
        while not self._inbox.empty():
            self._add(self._inbox.get_nowait())
        if self._batch and not self._refused:
            with suppress(LeaseLost, DatabaseError, InterfaceError):
                await self._begin_to_write(self._empty()[0])

    def _is_due(self) -> bool:
        # The first word after a pause goes out at once; those that follow are gathered.
        gathered = sum(len(e.text) for e in self._batch if isinstance(e, TextDelta | ThinkingDelta))
        return (
            self._ended
            or self._urgent
            or gathered >= GATHER_CHARS
            or bool(self._batch and time.monotonic() >= self._written_at + GATHER_SEC)
        )

    def _patience(self) -> float | None:
        return max(0.0, self._written_at + GATHER_SEC - time.monotonic()) if self._batch else None

    def _add(self, event: Event | None) -> None:
        self._taken += 1
        if event is None:
            self._ended = True
        elif not isinstance(event, TextDelta | ThinkingDelta):
            self._urgent = True
            self._batch.append(event)
        elif self._batch and type(last := self._batch[-1]) is type(event) and last.turn == event.turn:
            self._batch[-1] = replace(last, text=last.text + event.text)
        else:
            self._batch.append(event)

    def _empty(self) -> tuple[list[Event], int]:
        emptied = self._batch, self._taken
        self._batch, self._taken, self._urgent = [], 0, False
        return emptied

    async def _begin_to_write(self, happened: list[Event]) -> None:
        """Write in a task of its own: it is finished when a stop comes, not made twice or half."""
        self._writing = asyncio.create_task(self._write_down(happened), name="write")
        await asyncio.shield(self._writing)

    async def _write_down(self, happened: list[Event]) -> None:
        """Write, also for a second time after an error: what is there already is not written again."""
        if self._doubtful and await self._is_there(len(happened)):
            return
        self._doubtful = True
        self._seq = await scribe.here().append(self._transcript_id, self._token, happened)
        self._doubtful = False

    async def _is_there(self, many: int) -> bool:
        """Tell whether the write that ended in an error was made."""
        there = await in_database(transcript.last_seq, self._transcript_id, self._token)
        if there is None or self._seq is None:  # the first write of all: nobody knows from where it counts
            raise LeaseLost(f"Transcript {self._transcript_id} has another writer now.")
        made = there == self._seq + many
        self._seq, self._doubtful = there, False
        return made


def _is_refused(write: "asyncio.Task[None]") -> bool:
    return not write.cancelled() and isinstance(write.exception(), LeaseLost)
