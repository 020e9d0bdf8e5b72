"""A thread of its own for each blocking call.

Not `asyncio.to_thread`: its pool has few threads (cpu count + 4), so a handful of hung tools would
stop every other one, and the process waits for it at exit. These threads are daemons and nobody's neighbour.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress


async def in_thread[T](function: Callable[[], T], name: str) -> T:
    """Run a function in a new thread; cancelling stops the wait, the thread ends by itself."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Callable[[], T]] = loop.create_future()

    def work() -> None:
        outcome = _outcome(function)
        with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
            loop.call_soon_threadsafe(_settle, done, outcome)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work,), name=name, daemon=True).start()
    return (await done)()


def _outcome[T](function: Callable[[], T]) -> Callable[[], T]:
    """Call the function now; give back a function that returns or raises what it did."""
    try:
        value = function()
    except BaseException as error:  # noqa: BLE001 - carried over, raised again
        # Not Future.set_exception: it refuses StopIteration, and the wait would never end.
        raised = error

        def again() -> T:
            raise raised

        return again
    return lambda: value


def _settle[T](done: asyncio.Future[T], outcome: T) -> None:
    if not done.done():
        done.set_result(outcome)
