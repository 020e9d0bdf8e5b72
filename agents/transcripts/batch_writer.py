"""One pen for all who write at the same time: what several logs take meanwhile goes into one transaction.

While one batch is being written, the next one gathers. So a lone stream is written at once, and two hundred
of them cost little more than one. Each log still answers for itself: a refused token refuses that log only.

A row costs its readers more than its writer: a frame for each open page. So after a batch of many rows the
next gathers for as long as the readers need for them, unless somebody waits for more than further words.
"""

import asyncio
import weakref
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from contextvars import Context
from dataclasses import dataclass
from uuid import UUID

from asgiref.sync import ThreadSensitiveContext
from django.db import InterfaceError, OperationalError, connections, transaction

from agents.errors import LeaseLost
from agents.protocol.events import Event
from agents.transcripts import sql, transcript
from stagent.lib import clock
from stagent.lib.db.async_db import db_sync_to_async

MOST_LOGS = 250  # in one transaction
READ_SEC = 0.0004  # of a core that a row costs those who read it: the hub, its sockets and their pages
SHORTEST_PAUSE_SEC = 0.001  # that a timer keeps; what takes the readers less is not waited for


@dataclass(eq=False)
class WriteRequest:
    """What one log takes, and the number its last event will have."""

    transcript_id: int
    token: UUID
    happened: Sequence[Event]
    written: "asyncio.Future[int]"
    urgent: bool = True  # somebody waits for this, and not for its words alone
    expected: int | None = None  # the number it got when it was tried before, and the answer got lost


class BatchWriter:
    """Writes for everybody on one event loop."""

    def __init__(self) -> None:
        self._pages: list[WriteRequest] = []
        self._writing: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._thread: Executor | None = None

    @asynccontextmanager
    async def use_own_thread(self) -> AsyncIterator[None]:
        """Write by a thread and a connection that nobody else waits for."""
        with ThreadPoolExecutor(1, "batch-writer") as thread:
            self._thread = thread
            try:
                yield
            finally:
                self._thread = None
                if self._writing:
                    await asyncio.wait({self._writing})
                await asyncio.get_running_loop().run_in_executor(thread, connections.close_all)

    async def append(
        self, transcript_id: int, token: UUID, happened: Sequence[Event], *, urgent: bool = True
    ) -> int:
        """Write what happened and return the number of its last event; LeaseLost if the token is not ours."""
        page = WriteRequest(
            transcript_id, token, happened, asyncio.get_running_loop().create_future(), urgent
        )
        self._pages.append(page)
        if urgent:
            self._hurry.set()
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="batch writer", context=Context())
        return await page.written

    async def _write(self) -> None:
        async with self._place():
            while self._pages:
                batch = self._take()
                try:
                    await self._write_down(batch)
                except BaseException as error:  # everybody who waits is told
                    _fail(batch, error)
                    if not isinstance(error, Exception):
                        raise
                await self._let_read(sum(len(page.happened) for page in batch))

    async def _let_read(self, rows: int) -> None:
        """Leave the readers time for so many rows."""
        pause = rows * READ_SEC
        if pause >= SHORTEST_PAUSE_SEC and not any(page.urgent for page in self._pages):
            self._hurry.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._hurry.wait()

    def _place(self) -> AbstractAsyncContextManager[object]:
        return ThreadSensitiveContext(executor=self._thread) if self._thread else nullcontext()

    async def _write_down(self, batch: Sequence[WriteRequest]) -> None:
        """Write a batch; where something in it cannot be stored, each log by itself."""
        try:
            _tell(batch, await db_sync_to_async(_append, batch))
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001 - whoever waits for it is told
            if len(batch) == 1:
                _fail(batch, error)
                return
            for page in batch:
                await self._write_down([page])

    def _take(self) -> list[WriteRequest]:
        """Take what may be written together: each log once."""
        batch: dict[int, WriteRequest] = {}
        later: list[WriteRequest] = []
        for page in self._pages:
            if page.transcript_id in batch or len(batch) >= MOST_LOGS:
                later.append(page)
            else:
                batch[page.transcript_id] = page
        self._pages = later
        return list(batch.values())


def _append(batch: Sequence[WriteRequest]) -> dict[int, int]:
    """Write a batch; return the last number of each log whose token was right.

    After a connection that died in the middle of a commit it is called again: what is there is not written
    a second time.
    """
    there = {page.transcript_id: page.expected or 0 for page in batch if page.expected and _is_there(page)}
    missing = [page for page in batch if page.transcript_id not in there]
    return there | (_write(missing) if missing else {})


def _is_there(page: WriteRequest) -> bool:
    return transcript.last_seq(page.transcript_id, page.token) == page.expected


def _write(pages: Sequence[WriteRequest]) -> dict[int, int]:
    with transaction.atomic():
        asked = [(page.transcript_id, page.token, len(page.happened)) for page in pages]
        last = sql.take_numbers_for_all(asked)
        for page in pages:
            page.expected = last.get(page.transcript_id)
        rows = [
            (page.transcript_id, seq, event.kind, event.data())
            for page in pages
            if page.expected is not None
            for seq, event in enumerate(page.happened, page.expected - len(page.happened) + 1)
        ]
        sql.insert_events(rows, clock.now())
    return last


def _tell(batch: Sequence[WriteRequest], last: dict[int, int]) -> None:
    for page in batch:
        if page.written.done():
            continue  # nobody waits for it any more
        if page.transcript_id in last:
            page.written.set_result(last[page.transcript_id])
        else:
            page.written.set_exception(LeaseLost(f"Transcript {page.transcript_id} has another writer now."))


def _fail(batch: Sequence[WriteRequest], error: BaseException) -> None:
    for page in batch:
        if not page.written.done():
            page.written.set_exception(error)


_scribes: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, BatchWriter]" = weakref.WeakKeyDictionary()


def current_writer() -> BatchWriter:
    """Return the scribe of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _scribes:
        _scribes[loop] = BatchWriter()
    return _scribes[loop]
