"""A bounded pool of threads, each with its own database connections, which close with it.

Beyond ThreadPoolExecutor: calls of one `order` run one after another, urgent calls run first, the most
recently used thread is used first (its connection is known to work), idle threads end, and a full queue is
refused.
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

IDLE_SEC = 30.0  # then an idle thread ends and closes its connections
WINDOW_SEC = 60.0  # of the measured waiting times
MAX_SAMPLES = 2000

log = logging.getLogger(__name__)


class Priority(IntEnum):
    """Which of the waiting calls runs first."""

    URGENT = 0  # a lease is lost if it is late
    NORMAL = 1
    STARTING = 2  # new work waits for work in progress


class PoolFull(Exception):
    """The queue of the pool is full."""


class PoolClosed(Exception):
    """The pool takes no more calls, because the process is shutting down."""


@dataclass(eq=False)
class _Call:
    function: Callable[[], Any]
    priority: Priority
    order: Hashable
    context: Context = field(default_factory=copy_context)
    future: "Future[Any]" = field(default_factory=Future)
    queued_at: float = field(default_factory=time.monotonic)


@dataclass(eq=False)
class _Idle:
    """A thread that waits for a call; with None it ends."""

    ready: threading.Lock
    call: _Call | None = None


class ThreadPool:
    """At most `size` threads; `submit` raises PoolFull beyond `most_waiting` queued calls."""

    def __init__(
        self, name: str, size: int, *, most_waiting: int | None = None, idle_sec: float = IDLE_SEC
    ) -> None:
        self.name, self.size = name, size
        self._most_waiting, self._idle_sec = most_waiting, idle_sec
        self._lock = threading.Lock()
        self._queue: list[tuple[Priority, int, _Call]] = []
        self._numbers = count()
        self._blocked: dict[Hashable, deque[_Call]] = {}  # calls that wait for an earlier one of their order
        self._blocked_count = 0  # number of calls in `_blocked`
        self._idle: list[_Idle] = []
        self._threads: set[threading.Thread] = set()
        self._waits: deque[tuple[float, float]] = deque(maxlen=MAX_SAMPLES)
        self._closed = False

    def submit[T](
        self,
        function: Callable[[], T],
        *,
        priority: Priority = Priority.NORMAL,
        order: Hashable = None,
    ) -> "Future[T]":
        """Run a function in a thread, after the earlier calls of the same order have ended.

        A future cancelled before its turn is not called. Raises PoolFull and PoolClosed.
        """
        call = _Call(function, priority, order)
        with self._lock:
            if self._closed:
                raise PoolClosed(self.name)
            if self._most_waiting is not None and self.waiting >= self._most_waiting:
                raise PoolFull(self.name)
            if order is not None and order in self._blocked:
                self._blocked[order].append(call)
                self._blocked_count += 1
                return call.future
            if order is not None:
                self._blocked[order] = deque()
            self._dispatch(call)
        return call.future

    @property
    def waiting(self) -> int:
        """Number of calls without a thread."""
        return len(self._queue) + self._blocked_count

    @property
    def threads(self) -> int:
        return len(self._threads)

    def wait_p99_ms(self) -> float | None:
        """Return the p99 of the wait for a thread over the last minute; None without calls."""
        oldest = time.monotonic() - WINDOW_SEC
        with self._lock:
            waits = sorted(wait for at, wait in self._waits if at >= oldest)
        return waits[max(0, -(-99 * len(waits) // 100) - 1)] * 1000 if waits else None

    def close(self, timeout: float | None = None) -> None:
        """Take no more calls, run the queued ones, and end the threads with their connections."""
        with self._lock:
            self._closed = True
            threads = list(self._threads)
            while self._idle:
                self._idle.pop().ready.release()
        deadline = None if timeout is None else time.monotonic() + timeout
        for thread in threads:
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))

    def _dispatch(self, call: _Call) -> None:
        """Give a call to the thread that became idle last, to a new one, or to the queue. Call with the lock
        held.
        """
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
        except RuntimeError:  # the system has no thread left: use the existing ones
            self._threads.discard(thread)
            if not self._threads:
                raise
            return False
        return True

    def _work(self, first_call: _Call) -> None:
        # At most one: an idle thread must not keep the last call's result alive.
        calls: list[_Call] = [first_call]
        del first_call
        try:
            while calls:
                calls = self._next(self._run_call(calls.pop()))
        finally:
            connections.close_all()
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _run_call(self, call: _Call) -> Hashable:
        """Run a call and return its order."""
        now = time.monotonic()
        with self._lock:
            self._waits.append((now, now - call.queued_at))
        if call.future.set_running_or_notify_cancel():
            try:
                result = call.context.run(call.function)
            except BaseException as error:  # noqa: BLE001 - raised to the caller
                call.future.set_exception(error)
            else:
                call.future.set_result(result)
        return call.order

    def _next(self, done: Hashable) -> list[_Call]:
        """Return the next call; an empty list ends the thread after it has been idle for too long."""
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
                    self._threads.discard(threading.current_thread())  # it takes no call any more
        return [idle.call] if idle.call else []

    def _release(self, order: Hashable) -> None:
        """Queue the next call of an order. Call with the lock held."""
        if order is None:
            return
        if waiting := self._blocked[order]:
            self._blocked_count -= 1
            call = waiting.popleft()
            heappush(self._queue, (call.priority, next(self._numbers), call))
        else:
            del self._blocked[order]
