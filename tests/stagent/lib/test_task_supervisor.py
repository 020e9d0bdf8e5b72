"""Whatever lives as long as its process is watched: restarted, or the process exits; never silent."""

import asyncio
import ctypes
import logging
import threading
import time

import pytest

from stagent.lib.processes import supervisor as module
from stagent.lib.processes.outage import Outage
from stagent.lib.processes.supervised_task import Policy, State, Watched
from stagent.lib.processes.supervisor import EXIT_CODE, Supervisor
from tests.support.waiting import wait_until


@pytest.fixture
def exits():
    return []


@pytest.fixture
def supervisor(exits, monkeypatch):
    monkeypatch.setattr(module, "WATCH_SEC", 0.02)
    return Supervisor(exits.append)


RETRIES = "Stagent retries; the next line follows when it works again."


def until_told(watched: Watched, rounds: list[int]) -> None:
    while not watched.stopping.wait(0.01):
        rounds.append(1)
        watched.worked()


def the(supervisor: Supervisor):
    (report,) = supervisor.report()
    return report


@pytest.mark.parametrize("fault", [RuntimeError("broken"), SystemExit(1), KeyboardInterrupt(), None])
def test_a_thread_that_ends_however_is_restarted_and_says_so(supervisor, exits, caplog, fault):
    rounds: list[int] = []
    faults = [fault]

    def work(watched):
        if faults:
            error = faults.pop()
            if error:
                raise error
            return
        until_told(watched, rounds)

    thread = supervisor.thread("renewer", work)
    thread.start()
    wait_until(lambda: len(rounds) > 3)
    assert (the(supervisor).state, the(supervisor).restarts) == (State.RESTARTED, 1)
    assert [line for line in caplog.messages if "The renewer ended unexpectedly" in line]
    thread.stop()
    thread.join(5)
    assert (supervisor.report(), exits) == ([], [])


def test_a_thread_that_is_killed_outside_of_its_work_is_started_again(supervisor):
    rounds: list[int] = []
    thread = supervisor.thread("renewer", lambda watched: until_told(watched, rounds))
    thread._live = lambda: None  # a life that ends without a word
    thread.start()
    del thread._live
    wait_until(lambda: len(rounds) > 3)
    assert the(supervisor).restarts == 0 or the(supervisor).state is State.RESTARTED
    thread.stop()


def test_an_exception_sent_into_a_live_thread_ends_it_for_a_moment_only(supervisor):
    rounds: list[int] = []
    thread = supervisor.thread("renewer", lambda watched: until_told(watched, rounds))
    thread.start()
    wait_until(lambda: rounds)
    kill(thread._thread)
    wait_until(lambda: the(supervisor).restarts == 1)
    behind = len(rounds)
    wait_until(lambda: len(rounds) > behind + 3)
    thread.stop()


def test_the_end_of_a_fatal_thread_exits_the_process_after_what_is_to_be_told(supervisor, exits, caplog):
    told = []
    supervisor.before_exit += [lambda: 1 / 0, lambda: told.append(the(supervisor))]
    thread = supervisor.thread("loop", lambda _: 1 / 0, policy=Policy.FATAL)
    thread.start()
    wait_until(lambda: exits)
    thread.stop()
    assert exits[0] == EXIT_CODE
    assert (told[0].state, told[0].error) == (State.ENDED, "ZeroDivisionError: division by zero")
    assert "The process exits with code 70" in caplog.text


def a_thread(supervisor: Supervisor) -> list[int]:
    """Start something to watch; return its rounds."""
    rounds: list[int] = []
    supervisor.thread("renewer", lambda watched: until_told(watched, rounds)).start()
    wait_until(lambda: rounds)
    return rounds


def test_the_monitor_itself_is_started_again_when_it_dies_and_that_is_reported(supervisor, exits, caplog):
    a_thread(supervisor)
    assert [report.name for report in supervisor.report()] == ["renewer"]
    kill(supervisor._monitor)
    wait_until(lambda: supervisor.report()[0].name == module.MONITOR)
    own = supervisor.report()[0]
    assert (own.state, own.restarts, exits) == (State.RESTARTED, 1, [])
    assert supervisor._monitor.is_alive()
    assert "The supervisor ended unexpectedly" in caplog.text


def test_a_monitor_that_hangs_is_reported_as_stuck_and_ends_the_process(supervisor, exits, monkeypatch):
    monkeypatch.setattr(module, "REPORT_INTERVAL_SEC", 0.0)
    supervisor._own._stuck_sec = 0.1
    hangs = threading.Event()
    probed = Watched("the desk")
    probed.probe = hangs.wait
    supervisor.add(probed)
    wait_until(lambda: supervisor._own.silent_sec > 0.1)
    own = supervisor.report()[0]
    assert (own.name, own.state, exits) == (module.MONITOR, State.STUCK, [])
    for _ in range(module.MAX_STUCK_REPORTS):
        supervisor.report()
    assert exits == [EXIT_CODE, *exits[1:]]
    hangs.set()


def test_a_process_that_was_suspended_does_not_end_by_the_first_report_after_it(supervisor, exits):
    supervisor._own._stuck_sec = 0.0  # whoever reports first finds everything silent
    a_thread(supervisor)
    for _ in range(20):
        supervisor.report()  # all within the second that the monitor has to beat again
    assert exits == []


async def test_a_task_is_restarted_after_an_error_and_after_a_cancel(supervisor):
    rounds, faults = [], [RuntimeError("broken")]

    async def work(watched):
        if faults:
            raise faults.pop()
        while True:
            rounds.append(1)
            watched.worked()
            await asyncio.sleep(0.01)

    task = supervisor.task("sampler", work)
    task.start()
    await until(lambda: len(rounds) > 3)
    task._task.cancel()
    await until(lambda: the(supervisor).restarts == 2)
    behind = len(rounds)
    await until(lambda: len(rounds) > behind + 3)
    task.stop()
    await task.wait()
    assert supervisor.report() == []


def test_a_loop_that_runs_no_callback_is_stuck_then_ends_its_process(supervisor, exits, caplog):
    loop, stuck = asyncio.new_event_loop(), threading.Event()
    thread = supervisor.thread(
        "loop", lambda _: loop.run_forever(), policy=Policy.FATAL, stuck_sec=0.2, exit_sec=0.2
    )
    thread.follow_loop(loop)
    thread.start()
    wait_until(lambda: the(supervisor).silent_sec < 0.1)
    loop.call_soon_threadsafe(stuck.wait)
    wait_until(lambda: exits)
    assert the(supervisor).state is State.STUCK
    assert "The loop is stuck" in caplog.text
    stuck.set()
    wait_until(lambda: the(supervisor).state is State.RUNNING)
    thread.stop()
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)


def test_restarts_wait_longer_and_longer_and_begin_anew_after_a_good_life():
    now = [0.0]
    watched = Watched("it", now=lambda: now[0])
    waits = []
    for _ in range(12):
        waits.append(watched.record_end(RuntimeError()))
        watched.record_start()
    assert waits[:4] == [0.1, 0.2, 0.4, 0.8]
    assert waits[-1] == 30.0
    now[0] += 61
    assert watched.record_end(None) == 0.1


@pytest.mark.parametrize(
    ("silent", "failing", "ended", "state"),
    [
        (0, 0, None, State.RUNNING),
        (59, 0, None, State.RUNNING),
        (0, 14, None, State.RUNNING),
        (61, 0, None, State.STUCK),
        (0, 16, None, State.FAILING),
        (0, 0, 3599, State.RESTARTED),
        (0, 0, 3601, State.RUNNING),
        (0, 16, 10, State.FAILING),
        (61, 16, 10, State.STUCK),
    ],
)
def test_how_it_stands_is_the_worst_that_applies(silent, failing, ended, state):
    now = [0.0]
    watched = Watched("it", now=lambda: now[0])
    if ended is not None:
        watched.record_end(RuntimeError())
        watched.record_start()
        now[0] += max(0, ended - max(silent, failing))
    if failing:
        watched.failed(RuntimeError("no"))
        now[0] += failing
        watched.failed(RuntimeError("no"))
    watched.beat()
    now[0] += silent
    assert watched.report().state is state


def test_an_outage_is_a_line_when_it_begins_and_a_line_when_it_ends(caplog):
    caplog.set_level(logging.INFO)
    now = [0.0]
    outage = Outage(logging.getLogger("test"), "Renewing leases", lambda: now[0])
    for _ in range(400):
        outage.failed(OSError("no route"))
        outage.worked()  # too soon after a failure: it comes and goes
        now[0] += 0.25
    now[0] += 1
    for _ in range(3):
        outage.worked()
    assert caplog.messages == [
        f"Renewing leases failed (OSError: no route). {RETRIES}",
        "Renewing leases works again after 400 failures in 101.0 s.",
    ]


def test_another_kind_of_failure_in_an_outage_is_told_once_with_its_trace(caplog):
    outage = Outage(logging.getLogger("test"), "A pass")
    for error in [OSError("a"), ValueError("b"), OSError("c"), ValueError("d")]:
        outage.failed(error)
    assert len(caplog.records) == 2
    assert [bool(record.exc_info) for record in caplog.records] == [False, True]


def test_many_threads_report_at_once_and_none_ends_by_that(supervisor):
    rounds: list[int] = []
    threads = [supervisor.thread(f"t{n}", lambda w: until_told(w, rounds)) for n in range(30)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        assert len(supervisor.report()) == 30
    for thread in threads:
        thread.stop()
    for thread in threads:
        thread.join(5)
    assert supervisor.report() == []


def kill(thread: threading.Thread) -> None:
    """Raise SystemExit inside a live thread, wherever it is."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))


async def until(condition) -> None:
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("waited 30 s")
