"""A bounded pool of threads: order, priority, bounds, and nothing left behind."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from stagent.lib.processes.thread_pool import PoolClosed, PoolFull, Priority, ThreadPool
from tests.support.waiting import wait_until


@pytest.fixture
def pools() -> Iterator[Callable[..., ThreadPool]]:
    made: list[ThreadPool] = []

    def make(size: int, **options: float) -> ThreadPool:
        made.append(ThreadPool("test", size, **options))
        return made[-1]

    yield make
    for pool in made:
        pool.close(10)
        assert pool.threads == 0


class Gate:
    """A call that goes on until it is told to end."""

    def __init__(self, pool: ThreadPool, **options: object) -> None:
        self.open, self.inside = threading.Event(), threading.Event()
        self.future = pool.submit(self._wait, **options)

    def _wait(self) -> str:
        self.inside.set()
        assert self.open.wait(10)
        return threading.current_thread().name


def test_calls_run_at_once_up_to_the_size_and_the_others_wait(pools):
    pool = pools(3)
    gates = [Gate(pool) for _ in range(5)]
    assert all(gate.inside.wait(10) for gate in gates[:3])
    assert (pool.threads, pool.waiting, gates[3].inside.is_set()) == (3, 2, False)
    for gate in gates:
        gate.open.set()
    assert [gate.future.result(10) for gate in gates] == ["test"] * 5


def test_calls_of_one_order_never_overtake_each_other(pools):
    pool, happened = pools(4), []
    lock = threading.Lock()

    def note(order: int, number: int) -> None:
        begun = time.perf_counter_ns()
        while time.perf_counter_ns() - begun < 50_000 * (number % 3):
            pass  # the first are slow, so that the next could be quicker
        with lock:
            happened.append((order, number))

    futures = [
        pool.submit(lambda o=order, n=number: note(o, n), order=order)
        for number in range(50)
        for order in range(6)
    ]
    for future in futures:
        future.result(10)
    for order in range(6):
        assert [number for which, number in happened if which == order] == list(range(50))


def test_one_that_is_slow_holds_back_its_own_order_only(pools):
    pool = pools(2)
    slow = Gate(pool, order="slow")
    behind = pool.submit(lambda: "behind", order="slow")
    assert pool.submit(lambda: "other", order="other").result(10) == "other"
    assert not behind.done()
    slow.open.set()
    assert behind.result(10) == "behind"


def test_an_order_goes_on_after_a_call_that_failed_and_one_that_was_cancelled(pools):
    pool = pools(1)
    gate = Gate(pool, order=1)
    failing = pool.submit(lambda: 1 // 0, order=1)
    cancelled = pool.submit(lambda: pytest.fail("it was cancelled before its turn"), order=1)
    last = pool.submit(lambda: "last", order=1)
    assert cancelled.cancel()
    gate.open.set()
    assert isinstance(failing.exception(10), ZeroDivisionError)
    assert last.result(10) == "last"


def test_urgent_calls_go_first_and_starting_ones_last(pools):
    pool, happened = pools(1), []
    gate = Gate(pool)
    assert gate.inside.wait(10)
    asked = [Priority.STARTING, Priority.NORMAL, Priority.URGENT, Priority.NORMAL]
    futures = [pool.submit(lambda p=priority: happened.append(p), priority=priority) for priority in asked]
    gate.open.set()
    for future in futures:
        future.result(10)
    assert happened == sorted(asked)


def test_a_full_queue_refuses(pools):
    pool = pools(1, most_waiting=2)
    gate = Gate(pool)
    waiting = [pool.submit(str), pool.submit(str)]
    with pytest.raises(PoolFull):
        pool.submit(str)
    gate.open.set()
    assert [future.result(10) for future in waiting] == ["", ""]
    assert pool.submit(str).result(10) == ""


def test_a_thread_that_has_nothing_to_do_ends(pools):
    pool = pools(2, idle_sec=0.01)
    pool.submit(str).result(10)
    wait_until(lambda: pool.threads == 0)
    assert pool.submit(str).result(10) == ""


def test_closing_carries_out_what_waits_and_takes_nothing_more(pools):
    pool = pools(1)
    gate = Gate(pool)
    waiting = [pool.submit(lambda: "done", order=1) for _ in range(3)]
    closing = threading.Thread(target=pool.close)
    closing.start()
    wait_until(lambda: _is_closed(pool))
    gate.open.set()
    closing.join(10)
    assert [future.result(0) for future in waiting] == ["done"] * 3


def test_the_wait_for_a_thread_is_measured(pools):
    pool = pools(1)
    assert pool.wait_p99_ms() is None
    gate = Gate(pool)
    late = pool.submit(str)
    time.sleep(0.05)
    gate.open.set()
    late.result(10)
    assert pool.wait_p99_ms() >= 50


def _is_closed(pool: ThreadPool) -> bool:
    try:
        pool.submit(str)
    except PoolClosed:
        return True
    return False
