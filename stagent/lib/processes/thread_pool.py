"""A bounded pool of threads, each with database connections of its own, which end with it.

What ThreadPoolExecutor lacks: calls of one `order` run one after another, urgent calls go first, the thread
used last is used first (its connection is known to work), idle threads end, and a full queue is refused.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from enum import IntEnum
from heapq import heappop, heappush
from itertools import count
from typing import Any

from django.db import connections

IDLE_SEC = 30.0  # an idle thread ends, and its connections with it
WINDOW_SEC = 60.0  # of the measured waits
MOST_SAMPLES = 2000

log = logging.getLogger(__name__)


class Priority(IntEnum):
    """Which of the calls that wait for a thread goes first."""

    URGENT = 0  # somebody loses a lease if it comes late
    NORMAL = 1
    STARTING = 2  # new work waits for what is under way


class PoolFull(Exception):
    """As many calls wait for a thread as may wait."""


class PoolClosed(Exception):
    """The pool takes no calls any more: the process is leaving."""


@dataclass(eq=False)
class _Call:
    function: Callable[[], Any]
    priority: Priority
    order: Hashable
    context: Context = field(default_factory=copy_context)
    future: "Future[Any]" = field(default_factory=Future)
    since: float = field(default_factory=time.monotonic)


@dataclass(eq=False)
class _Idle:
    """A thread that waits for a call; None sends it home."""

    ready: threading.Lock
    call: _Call | None = None


class ThreadPool:
    """At most `size` threads; beyond `most_waiting` calls in the queue `submit` raises PoolFull."""

    def __init__(
        self, name: str, size: int, *, most_waiting: int | None = None, idle_sec: float = IDLE_SEC
    ) -> None:
        self.name, self.size = name, size
        self._most_waiting, self._idle_sec = most_waiting, idle_sec
        self._lock = threading.Lock()
        self._queue: list[tuple[Priority, int, _Call]] = []
        self._numbers = count()
        self._behind: dict[Hashable, deque[_Call]] = {}  # what waits for an earlier call of its order
        self._held_back = 0  # how many those are
        self._idle: list[_Idle] = []
        self._threads: set[threading.Thread] = set()
        self._waits: deque[tuple[float, float]] = deque(maxlen=MOST_SAMPLES)
        self._closed = False

    def submit[T](
        self,
        function: Callable[[], T],
        *,
        priority: Priority = Priority.NORMAL,
        order: Hashable = None,
    ) -> "Future[T]":
        """Call a function in a thread, not before earlier calls of the same order have ended.

        A future that is cancelled before its turn is never called. Raises PoolFull and PoolClosed.
        """
        call = _Call(function, priority, order)
        with self._lock:
            if self._closed:
                raise PoolClosed(self.name)
            if self._most_waiting is not None and self.waiting >= self._most_waiting:
                raise PoolFull(self.name)
            if order is not None and order in self._behind:
                self._behind[order].append(call)
                self._held_back += 1
                return call.future
            if order is not None:
                self._behind[order] = deque()
            self._dispatch(call)
        return call.future

    @property
    def waiting(self) -> int:
        """How many calls have no thread yet."""
        return len(self._queue) + self._held_back

    @property
    def threads(self) -> int:
        return len(self._threads)

    def wait_p99_ms(self) -> float | None:
        """Return how long calls waited for a thread, p99 over the last minute; None without calls."""
        oldest = time.monotonic() - WINDOW_SEC
        with self._lock:
            waits = sorted(wait for at, wait in self._waits if at >= oldest)
        return waits[max(0, -(-99 * len(waits) // 100) - 1)] * 1000 if waits else None

    def close(self, timeout: float | None = None) -> None:
        """Take no more calls, carry out those that wait, and end the threads with their connections."""
        with self._lock:
            self._closed = True
            threads = list(self._threads)
            while self._idle:
                self._idle.pop().ready.release()
        until = None if timeout is None else time.monotonic() + timeout
        for thread in threads:
            thread.join(None if until is None else max(0.0, until - time.monotonic()))

    def _dispatch(self, call: _Call) -> None:
        """Hand a call to the thread that became idle last, to a new one, or to the queue; under the lock."""
        if self._idle:
            idle = self._idle.pop()
            idle.call = call
            idle.ready.release()
        elif len(self._threads) >= self.size or not self._start(call):
            heappush(self._queue, (call.priority, next(self._numbers), call))

    def _start(self, call: _Call) -> bool:
        thread = threading.Thread(target=self._work, args=(call,), name=self.name, daemon=True)
        self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:  # the system has no thread left: those that are there go on
            self._threads.discard(thread)
            if not self._threads:
                raise
            return False
        return True

    def _work(self, first: _Call) -> None:
        calls: list[_Call] = [first]  # one at most: a thread that waits must not keep what the last call gave
        del first
        try:
            while calls:
                calls = self._next(self._carry_out(calls.pop()))
        finally:
            connections.close_all()
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _carry_out(self, call: _Call) -> Hashable:
        """Call it and return its order."""
        now = time.monotonic()
        with self._lock:
            self._waits.append((now, now - call.since))
        if call.future.set_running_or_notify_cancel():
            try:
                result = call.context.run(call.function)
            except BaseException as error:  # noqa: BLE001 - whoever waits for it is told
                call.future.set_exception(error)
            else:
                call.future.set_result(result)
        return call.order

    def _next(self, done: Hashable) -> list[_Call]:
        """Return the call that comes next; none: nothing came for so long that the thread ends."""
        with self._lock:
            self._release(done)
            if self._queue:
                return [heappop(self._queue)[2]]
            if self._closed:
                return []
            idle = _Idle(threading.Lock())
            idle.ready.acquire()
            self._idle.append(idle)
        if not idle.ready.acquire(timeout=self._idle_sec):
            with self._lock:
                if idle in self._idle:
                    self._idle.remove(idle)
                    self._threads.discard(threading.current_thread())  # nobody may count on it any more
        return [idle.call] if idle.call else []

    def _release(self, order: Hashable) -> None:
        """Let the next call of an order come; under the lock."""
        if order is None:
            return
        if waiting := self._behind[order]:
            self._held_back -= 1
            call = waiting.popleft()
            heappush(self._queue, (call.priority, next(self._numbers), call))
        else:
            del self._behind[order]
