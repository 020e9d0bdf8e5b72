"""From the event loop to the database and back: transactions are plain functions, awaited here."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, connections

from stagent.lib.outage import Outage

log = logging.getLogger("agents.database")
_outage = Outage(log, "A database call of an event loop")

GIVE_UP_SEC = 60.0  # by then no lease is left to write under
FIRST_WAIT_SEC, LONGEST_WAIT_SEC = 0.1, 3.0
TRUST_SEC = 1.0  # a connection that worked so lately is not asked first whether it still does


class _Trust(threading.local):
    """Until when the connections of this thread are trusted; monotonic."""

    until = 0.0


_trust = _Trust()


async def in_database[T](function: Callable[..., T], *args: object, **named: object) -> T:
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


async def surely[T](function: Callable[..., T], *args: object, **named: object) -> T:
    """Do the same and see it through: a cancellation is raised here, but the write goes on."""
    return await asyncio.shield(in_database(function, *args, **named))


@contextmanager
def connections_of_its_own() -> Iterator[None]:
    """Close what database connections a thread has opened, which nobody else would when it ends."""
    try:
        yield
    finally:
        connections.close_all()


async def _once[T](function: Callable[..., T], *args: object, **named: object) -> T:
    return await sync_to_async(_with_fresh_connections)(function, *args, **named)


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
