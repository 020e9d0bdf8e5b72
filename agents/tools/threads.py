"""Runs each blocking call in a daemon thread of its own.

Not `asyncio.to_thread`: its pool has few threads (CPU count + 4), so a handful of hung tools would block all
others, and the process waits for the pool at exit.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress


async def in_thread[T](function: Callable[[], T], name: str) -> T:
    """Run a function in a new thread. Cancelling ends the wait; the thread runs to its end."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Callable[[], T]] = loop.create_future()

    def run() -> None:
        outcome = _capture(function)
        with suppress(RuntimeError):  # the loop was closed in the meantime
            loop.call_soon_threadsafe(_set_result, done, outcome)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), name=name, daemon=True).start()
    return (await done)()


def _capture[T](function: Callable[[], T]) -> Callable[[], T]:
    """Call the function and return a function that returns or raises the same."""
    try:
        value = function()
    except BaseException as error:  # noqa: BLE001 - raised again by the waiting task
        # Not Future.set_exception: it refuses StopIteration, and the task would wait for ever.
        raised = error

        def reraise() -> T:
            raise raised

        return reraise
    return lambda: value


def _set_result[T](done: asyncio.Future[T], outcome: T) -> None:
    if not done.done():
        done.set_result(outcome)
