"""Writes the events of concurrent runs and replies, many transcripts in one transaction (group commit).

While one batch is written, the next one collects. A single stream is therefore written at once, and two
hundred cost little more than one. Each transcript has its own result: a wrong token fails that transcript
only.

A row costs its readers more than its writer: one frame for each open page. After a batch of many rows the
writer therefore waits as long as the readers need for them, unless an urgent request arrives.
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

MAX_TRANSCRIPTS = 250  # per transaction
READER_SEC_PER_ROW = 0.0004  # CPU time per row of its readers: the hub, its sockets and their pages
MIN_PAUSE_SEC = 0.001  # a timer is not more precise; shorter pauses are left out


@dataclass(eq=False)
class WriteRequest:
    """Events to append to one transcript; `result` becomes the number of the last one."""

    transcript_id: int
    token: UUID
    events: Sequence[Event]
    result: "asyncio.Future[int]"
    urgent: bool = True  # False: only text deltas, which may wait for the readers
    expected_seq: int | None = None  # set by an attempt whose commit may have succeeded


class BatchWriter:
    """Writes the requests of one event loop."""

    def __init__(self) -> None:
        self._queue: list[WriteRequest] = []
        self._task: asyncio.Task[None] | None = None
        self._urgent_request = asyncio.Event()
        self._thread: Executor | None = None

    @asynccontextmanager
    async def use_own_thread(self) -> AsyncIterator[None]:
        """Write in a thread with its own connection while the context is open."""
        with ThreadPoolExecutor(1, "batch-writer") as thread:
            self._thread = thread
            try:
                yield
            finally:
                self._thread = None
                if self._task:
                    await asyncio.wait({self._task})
                await asyncio.get_running_loop().run_in_executor(thread, connections.close_all)

    async def append(
        self, transcript_id: int, token: UUID, events: Sequence[Event], *, urgent: bool = True
    ) -> int:
        """Append events and return the number of the last one; `LeaseLost` if `token` is not the writer's."""
        request = WriteRequest(
            transcript_id, token, events, asyncio.get_running_loop().create_future(), urgent
        )
        self._queue.append(request)
        if urgent:
            self._urgent_request.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write(), name="batch writer", context=Context())
        return await request.result

    async def _write(self) -> None:
        async with self._thread_context():
            while self._queue:
                batch = self._next_batch()
                try:
                    await self._write_batch(batch)
                except BaseException as error:  # reaches every caller as the result
                    _reject(batch, error)
                    if not isinstance(error, Exception):
                        raise
                await self._wait_for_readers(sum(len(request.events) for request in batch))

    async def _wait_for_readers(self, rows: int) -> None:
        """Wait as long as readers need for this many rows, or until an urgent request arrives."""
        pause = rows * READER_SEC_PER_ROW
        if pause >= MIN_PAUSE_SEC and not any(request.urgent for request in self._queue):
            self._urgent_request.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._urgent_request.wait()

    def _thread_context(self) -> AbstractAsyncContextManager[object]:
        return ThreadSensitiveContext(executor=self._thread) if self._thread else nullcontext()

    async def _write_batch(self, batch: Sequence[WriteRequest]) -> None:
        """Write a batch; if an event cannot be stored, write each transcript separately."""
        try:
            _resolve(batch, await db_sync_to_async(_append, batch))
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001 - reaches the caller as the result
            if len(batch) == 1:
                _reject(batch, error)
                return
            for request in batch:
                await self._write_batch([request])

    def _next_batch(self) -> list[WriteRequest]:
        """Remove the next batch from the queue: each transcript at most once."""
        batch: dict[int, WriteRequest] = {}
        remaining: list[WriteRequest] = []
        for request in self._queue:
            if request.transcript_id in batch or len(batch) >= MAX_TRANSCRIPTS:
                remaining.append(request)
            else:
                batch[request.transcript_id] = request
        self._queue = remaining
        return list(batch.values())


def _append(batch: Sequence[WriteRequest]) -> dict[int, int]:
    """Write a batch; return the last number of each transcript whose token was right.

    It is called again after a connection was lost during a commit: what was committed is not written a second
    time.
    """
    written = {
        request.transcript_id: request.expected_seq or 0
        for request in batch
        if request.expected_seq and _is_written(request)
    }
    missing = [request for request in batch if request.transcript_id not in written]
    return written | (_write(missing) if missing else {})


def _is_written(request: WriteRequest) -> bool:
    return transcript.last_seq(request.transcript_id, request.token) == request.expected_seq


def _write(requests: Sequence[WriteRequest]) -> dict[int, int]:
    with transaction.atomic():
        numbers = [(request.transcript_id, request.token, len(request.events)) for request in requests]
        last = sql.reserve_seqs_in_batch(numbers)
        for request in requests:
            request.expected_seq = last.get(request.transcript_id)
        rows = [
            (request.transcript_id, seq, event.kind, event.data())
            for request in requests
            if request.expected_seq is not None
            for seq, event in enumerate(request.events, request.expected_seq - len(request.events) + 1)
        ]
        sql.insert_events(rows, clock.now())
    return last


def _resolve(batch: Sequence[WriteRequest], last: dict[int, int]) -> None:
    for request in batch:
        if request.result.done():
            continue  # its caller was cancelled
        if request.transcript_id in last:
            request.result.set_result(last[request.transcript_id])
        else:
            request.result.set_exception(_lease_lost(request))


def _lease_lost(request: WriteRequest) -> LeaseLost:
    return LeaseLost(f"Transcript {request.transcript_id} has another writer now.")


def _reject(batch: Sequence[WriteRequest], error: BaseException) -> None:
    for request in batch:
        if not request.result.done():
            request.result.set_exception(error)


_writers: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, BatchWriter]" = weakref.WeakKeyDictionary()


def current_writer() -> BatchWriter:
    """Return the batch writer of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _writers:
        _writers[loop] = BatchWriter()
    return _writers[loop]
