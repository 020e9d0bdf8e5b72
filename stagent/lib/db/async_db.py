"""Database access from an event loop: transactions are plain functions, awaited here.

They run in a few threads of the loop, each with its own connection (`database_threads`), or, if a loop has
none, in asgiref's single thread. Within `in_order` no call overtakes an earlier one.
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

RETRY_FOR_SEC = 60.0  # after that the caller's lease has expired
FIRST_DELAY_SEC, MAX_DELAY_SEC = 0.1, 3.0
CLOSE_SEC = 4.0  # for writes in progress when a loop ends
HEALTHY_SEC = 1.0  # a connection that worked this recently is used without a health check


class _Health(threading.local):
    """Until when the connections of this thread are known to work; monotonic."""

    until = 0.0


_health = _Health()
_pools: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, ThreadPool]" = weakref.WeakKeyDictionary()
_order: ContextVar[object] = ContextVar("order", default=None)
_priority: ContextVar[Priority] = ContextVar("priority", default=Priority.NORMAL)


@asynccontextmanager
async def database_threads(name: str) -> AsyncIterator[ThreadPool]:
    """Run the database calls of the current loop in several threads until the end of the block.

    A loop below a synchronous caller (a test that rolls back) keeps its caller's thread and connection.
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
    """Run the database calls of the current loop in several threads until the process ends."""
    loop = asyncio.get_running_loop()
    if loop not in AsyncToSync.loop_thread_executors:
        _pools.setdefault(loop, ThreadPool(name, settings.STAGENT_DATABASE_THREADS))


@contextmanager
def in_order() -> Iterator[None]:
    """Run the calls of this block, and of tasks started in it, one after another, awaited or not."""
    token = _order.set(object())
    try:
        yield
    finally:
        _order.reset(token)


@contextmanager
def prioritised(priority: Priority) -> Iterator[None]:
    """Give the calls of this block a priority in the queue for a thread."""
    token = _priority.set(priority)
    try:
        yield
    finally:
        _priority.reset(token)


async def db_sync_to_async[T](function: Callable[..., T], *args: object, **kwargs: object) -> T:
    """Call a function that uses the ORM; while the database is busy or unavailable, retry for a minute."""
    for delay in _delays():
        try:
            result = await _call(function, *args, **kwargs)
        except (OperationalError, InterfaceError) as error:
            _outage.failed(error)
            await asyncio.sleep(delay)
        else:
            _outage.worked()
            return result
    return await _call(function, *args, **kwargs)


async def shielded[T](function: Callable[..., T], *args: object, **kwargs: object) -> T:
    """Do the same; a cancellation is raised here, but the write continues."""
    return await asyncio.shield(db_sync_to_async(function, *args, **kwargs))


@contextmanager
def own_connections() -> Iterator[None]:
    """Close the connections that this thread opened: no request does it for a thread of our own."""
    try:
        yield
    finally:
        connections.close_all()


async def _call[T](function: Callable[..., T], *args: object, **kwargs: object) -> T:
    call = partial(_call_with_fresh_connections, function, *args, **kwargs)
    pool = _pools.get(asyncio.get_running_loop())
    # A thread-sensitive context of asgiref, such as that of a streamed page, needs its own thread.
    if pool is None or SyncToAsync.thread_sensitive_context.get(None):  # type: ignore[arg-type]
        return await sync_to_async(call)()
    future = pool.submit(call, priority=_priority.get(), order=_order.get())
    return await asyncio.wrap_future(future)


def _call_with_fresh_connections[T](function: Callable[..., T], *args: object, **kwargs: object) -> T:
    """Drop connections that the server has closed, then call.

    Like Channels' database_sync_to_async, except that connections within a transaction stay open: closing
    them would break every test that rolls back. It also skips the health check of a connection that worked
    within the last second; if that one is broken after all, `db_sync_to_async` retries.
    """
    is_healthy, _health.until = time.monotonic() < _health.until, 0.0
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
            connection.health_check_done = is_healthy  # type: ignore[attr-defined]
    result = function(*args, **kwargs)
    _health.until = time.monotonic() + HEALTHY_SEC
    return result


def _delays() -> Iterator[float]:
    delay, until = FIRST_DELAY_SEC, time.monotonic() + RETRY_FOR_SEC
    while time.monotonic() < until:
        yield delay
        delay = min(delay * 2, MAX_DELAY_SEC)
