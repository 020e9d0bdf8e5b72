"""A household restarts nobody silently and leaves nobody behind."""

import asyncio
import os
import re
import signal

import psutil
import pytest

from stagent.supervisor import supervisor
from stagent.supervisor.supervisor import Child, ProcessSupervisor
from tests.stagent.supervisor.child_program import GHOST


class Log:
    """What was said, and what to do when somebody says a certain thing."""

    def __init__(self):
        self.lines = []
        self._reactions = []

    def __call__(self, who, line):
        self.lines.append((who, line))
        due = [one for one in self._reactions if one[:2] == (who, line)]
        for reaction in due:
            self._reactions.remove(reaction)
            reaction[2]()

    def when(self, who, line, react):
        self._reactions.append((who, line, react))

    def of(self, who):
        return [line for name, line in self.lines if name == who]


@pytest.fixture
def say():
    return Log()


def child(name, manner):
    return Child(name, "tests.stagent.supervisor.child_program", [manner])


def supervise(*children, say):
    return asyncio.run(ProcessSupervisor(children, say).run())


def interrupt(number=signal.SIGTERM):
    return lambda: os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", supervisor.SIGNALS)
def test_everybody_is_asked_to_leave_and_waited_for(say, number):
    say.when("one", "at home", interrupt(number))
    assert supervise(child("one", "polite"), child("two", "polite"), say=say) == 0
    assert say.of("one") == ["at home", "goodbye"]
    assert say.of("up") == ["stopping; Ctrl-C again does not wait for runs."]


def test_who_does_not_want_to_leave_is_made_to_at_the_third_signal(say, monkeypatch):
    monkeypatch.setattr(supervisor, "SAME_SEC", 0.0)

    def three_times():
        loop = asyncio.get_running_loop()
        for _ in range(3):
            loop.call_soon(processes.stop)

    processes = ProcessSupervisor([child("one", "stubborn")], say)
    say.when("one", "at home", three_times)
    assert asyncio.run(processes.run()) == 0
    assert say.of("up")[-1] == "stopping; Ctrl-C again kills."


def test_a_signal_to_the_process_and_to_its_group_is_one_signal(say):
    processes = ProcessSupervisor([child("one", "polite")], say)
    say.when("one", "at home", lambda: (processes.stop(), processes.stop()))
    assert asyncio.run(processes.run()) == 0
    assert len(say.of("up")) == 1


def test_one_that_keeps_dying_is_started_again_loudly_then_given_up(say, monkeypatch):
    monkeypatch.setattr(supervisor, "FIRST_WAIT_SEC", 0.001)
    assert supervise(child("poor", "shortlived"), child("other", "polite"), say=say) == 1
    assert say.of("poor") == ["famous last words"] * supervisor.MOST_QUICK
    said = say.of("up")
    assert len(said) == supervisor.MOST_QUICK + 1
    assert re.match(r"poor ended with code 3 after \d s! It is started again in", said[0])
    assert said[-2].endswith("5 times in a row. Giving up.")


def test_one_that_was_killed_is_named_with_the_signal(say, monkeypatch):
    monkeypatch.setattr(supervisor, "FIRST_WAIT_SEC", 0.001)

    def kill_it():  # not those that other tests keep
        for child in psutil.process_iter(["ppid", "cmdline"]):
            if child.info["ppid"] == os.getpid() and "tests.stagent.supervisor.child_program" in (
                child.info["cmdline"] or []
            ):
                child.kill()
        say.when("one", "at home", interrupt())

    say.when("one", "at home", kill_it)
    assert supervise(child("one", "polite"), say=say) == 0
    assert say.of("one") == ["at home", "at home", "goodbye"]
    assert "was ended by SIGKILL" in say.of("up")[0]


def test_a_process_that_a_child_leaves_behind_does_not_delay_its_restart(say, monkeypatch):
    monkeypatch.setattr(supervisor, "FIRST_WAIT_SEC", 0.001)
    monkeypatch.setattr(supervisor, "LAST_WORDS_SEC", 0.01)
    try:
        assert supervise(child("one", "haunted"), say=say) == 1
        assert len(ghosts()) == supervisor.MOST_QUICK
    finally:
        for ghost in ghosts():
            ghost.kill()


def ghosts():
    return [one for one in psutil.process_iter(["cmdline"]) if GHOST in (one.info["cmdline"] or [])]
