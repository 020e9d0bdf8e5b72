"""From the event loop to the database and back: transactions are plain functions, awaited here.

They run in a few threads of the loop, each with a connection of its own (`database_threads`), or, where a
loop has none, in asgiref's one thread. Within `in_order` no call overtakes an earlier one.
"""

import asyncio
import logging
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from functools import partial

from asgiref.sync import AsyncToSync, SyncToAsync, sync_to_async
from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

from stagent.lib.processes.outage import Outage
from stagent.lib.processes.thread_pool import Priority, ThreadPool

log = logging.getLogger(__name__)
_outage = Outage(log, "A database call of an event loop")

GIVE_UP_SEC = 60.0  # by then no lease is left to write under
FIRST_WAIT_SEC, LONGEST_WAIT_SEC = 0.1, 3.0
CLOSE_SEC = 4.0  # for what is being written when a loop ends
TRUST_SEC = 1.0  # a connection that worked so lately is not asked first whether it still does


class _Trust(threading.local):
    """Until when the connections of this thread are trusted; monotonic."""

    until = 0.0


_trust = _Trust()
_pools: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, ThreadPool]" = weakref.WeakKeyDictionary()
_order: ContextVar[object] = ContextVar("order", default=None)
_priority: ContextVar[Priority] = ContextVar("priority", default=Priority.NORMAL)


@asynccontextmanager
async def database_threads(name: str) -> AsyncIterator[ThreadPool]:
    """Let the running loop ask the database in several threads at once, until the end of the block.

    A loop below a synchronous caller (a test that rolls back) keeps to its caller's thread and connection.
    """
    loop, pool = asyncio.get_running_loop(), ThreadPool(name, settings.STAGENT_DATABASE_THREADS)
    if loop not in AsyncToSync.loop_thread_executors:
        _pools[loop] = pool
    try:
        yield pool
    finally:
        _pools.pop(loop, None)
        await asyncio.to_thread(pool.close, CLOSE_SEC)


def use_database_threads(name: str) -> None:
    """Let the running loop ask the database in several threads as long as its process lives."""
    loop = asyncio.get_running_loop()
    if loop not in AsyncToSync.loop_thread_executors:
        _pools.setdefault(loop, ThreadPool(name, settings.STAGENT_DATABASE_THREADS))


@contextmanager
def in_order() -> Iterator[None]:
    """Carry out what is called here, and in tasks begun here, one after another, awaited or not."""
    token = _order.set(object())
    try:
        yield
    finally:
        _order.reset(token)


@contextmanager
def prioritised(priority: Priority) -> Iterator[None]:
    """Call with this priority where calls wait for a thread."""
    token = _priority.set(priority)
    try:
        yield
    finally:
        _priority.reset(token)


async def db_sync_to_async[T](function: Callable[..., T], *args: object, **named: object) -> T:
    """Call a function that uses the ORM; while the database is busy or away, try again for a minute."""
    for wait in _waits():
        try:
            result = await _once(function, *args, **named)
        except (OperationalError, InterfaceError) as error:
            _outage.failed(error)
            await asyncio.sleep(wait)
        else:
            _outage.worked()
            return result
    return await _once(function, *args, **named)


async def shielded[T](function: Callable[..., T], *args: object, **named: object) -> T:
    """Do the same and see it through: a cancellation is raised here, but the write goes on."""
    return await asyncio.shield(db_sync_to_async(function, *args, **named))


@contextmanager
def own_connections() -> Iterator[None]:
    """Close what database connections a thread has opened, which nobody else would when it ends."""
    try:
        yield
    finally:
        connections.close_all()


async def _once[T](function: Callable[..., T], *args: object, **named: object) -> T:
    call = partial(_with_fresh_connections, function, *args, **named)
    pool = _pools.get(asyncio.get_running_loop())
    # Whoever entered a context of asgiref wants its thread: a page that is streamed, for one.
    if pool is None or SyncToAsync.thread_sensitive_context.get(None):  # type: ignore[arg-type]
        return await sync_to_async(call)()
    future = pool.submit(call, priority=_priority.get(), order=_order.get())
    return await asyncio.wrap_future(future)


def _with_fresh_connections[T](function: Callable[..., T], *args: object, **named: object) -> T:
    """Drop connections that the server has closed, then call.

    What Channels' database_sync_to_async does, but for connections within a transaction: it would close
    those, and with them every test that rolls back. Nor does it make a trip to the server before each call;
    a connection that dies while it is trusted costs `in_database` a try.
    """
    trusted, _trust.until = time.monotonic() < _trust.until, 0.0
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
            connection.health_check_done = trusted  # type: ignore[attr-defined]
    result = function(*args, **named)
    _trust.until = time.monotonic() + TRUST_SEC
    return result


def _waits() -> Iterator[float]:
    wait, until = FIRST_WAIT_SEC, time.monotonic() + GIVE_UP_SEC
    while time.monotonic() < until:
        yield wait
        wait = min(wait * 2, LONGEST_WAIT_SEC)
