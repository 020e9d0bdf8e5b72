"""Working time is what passes in model calls and tools, and nothing else."""

from contextlib import suppress

import pytest

from agents.engine.work_time import MAX_STEP_SEC, WorkTime


class Clock:
    """A monotonic clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.moment = 100.0

    def __call__(self) -> float:
        return self.moment

    def pass_by(self, seconds: float, time: WorkTime, pulse: float = 0.5) -> None:
        """Let time pass while somebody looks at every pulse."""
        for _ in range(round(seconds / pulse)):
            self.moment += pulse
            time.measure()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_only_calls_count_and_earlier_attempts_are_added(clock: Clock) -> None:
    time = WorkTime(7_000, monotonic=clock)
    clock.pass_by(60, time)
    with time.model_call():
        clock.pass_by(3, time)
    clock.pass_by(60, time)
    with time.tool_call():
        clock.pass_by(2, time)
    assert time.worked_ms == 12_000
    assert time.held_sec == 125


def test_a_process_that_stood_still_did_not_work(clock: Clock) -> None:
    time = WorkTime(monotonic=clock)
    with time.model_call():
        clock.pass_by(5, time)
        clock.moment += 85  # SIGSTOP
        clock.pass_by(5, time)
    assert 10 <= time.worked_sec <= 10 + MAX_STEP_SEC


def test_a_call_that_fails_counts_and_ends(clock: Clock) -> None:
    time = WorkTime(monotonic=clock)
    with suppress(ValueError), time.model_call():
        clock.pass_by(4, time)
        raise ValueError("away")
    clock.pass_by(9, time)
    assert (time.worked_sec, time.silent_sec) == (4, 0)


def test_a_model_is_silent_from_its_last_word_on(clock: Clock) -> None:
    time = WorkTime(monotonic=clock)
    with time.model_call():
        clock.pass_by(4, time)
        time.record_event()
        clock.pass_by(3, time)
        assert time.silent_sec == 3
