"""Why a firing is late has one answer, whoever records it: the scheduler that was away, another, an edit."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from schedules.capacity import lateness
from schedules.capacity.lateness import Clocks, Delays, cause_of
from schedules.capacity.processes import ProcessHeartbeat
from schedules.dispatch.tick import tick
from schedules.models import Firing, Schedule, Scheduler
from schedules.services import schedule_writer
from schedules.transitions import pause, resume
from tests.support.builders import NOON, a_schedule, a_scheduler, the_situation

pytestmark = pytest.mark.django_db
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
AWAY = "no scheduler was running; the last one was seen at 12:00:00 UTC"


class Process:
    """A scheduler at moments that are handed in."""

    def __init__(self, name: str) -> None:
        self.delays = Delays()
        self.presence = ProcessHeartbeat(name, claims=True, vitals=None, delays=self.delays)

    def pass_at(self, moment: datetime, *, failed: bool = False, took: timedelta = timedelta()) -> None:
        with time_machine.travel(moment, tick=False):
            self.delays.begin(moment, self.presence.seen_at)
            self.presence.beat()
        with time_machine.travel(moment + took, tick=False):
            self.delays.end(5.0, failed=failed)


@pytest.fixture(autouse=True)
def clocks(monkeypatch: pytest.MonkeyPatch) -> dict[str, timedelta]:
    """Let all clocks of a process go as the handed-in one, but for what a test adds to them."""
    apart = {"mono": timedelta(), "boot": timedelta()}

    def read(wall: datetime) -> Clocks:
        now = datetime.now(wall.tzinfo)  # the traveller's, also after a pass that took its time
        return Clocks(wall, (now + apart["mono"]).timestamp(), (now + apart["boot"]).timestamp())

    monkeypatch.setattr(lateness.Clocks, "read", read)
    return apart


def causes(moment: datetime, *processes: Process) -> set[str]:
    """Return what each of these processes says, and what an edit says."""
    for one in processes:
        one.delays._schedulers = None
    return {one.delays.cause(moment) for one in processes} | {Delays().cause(moment)}


@pytest.mark.parametrize("first_back", ["itself", "another", "both"])
def test_a_scheduler_that_was_stopped_is_told_of_alike_by_itself_another_and_an_edit(first_back: str) -> None:
    stopped, another = Process("scheduler@here:1"), Process("scheduler@here:2")
    stopped.pass_at(NOON)
    back = NOON + 2 * MINUTE
    there = {"itself": [stopped], "another": [another], "both": [another, stopped]}[first_back]
    for one in there:
        one.pass_at(back)
    assert causes(NOON + MINUTE, *there) == {AWAY}


def slept(process: Process, clocks: dict[str, timedelta]) -> None:
    clocks["mono"] -= MINUTE
    process.pass_at(NOON + MINUTE + 5 * SECOND)


def set_forward(process: Process, clocks: dict[str, timedelta]) -> None:
    clocks["mono"] -= MINUTE
    clocks["boot"] -= MINUTE
    process.pass_at(NOON + MINUTE + 5 * SECOND)


def met_errors(process: Process, clocks: dict[str, timedelta]) -> None:
    for second in range(5, 70, 5):
        process.pass_at(NOON + second * SECOND, failed=True)
    process.pass_at(NOON + 70 * SECOND)


def was_busy(process: Process, clocks: dict[str, timedelta]) -> None:
    process.pass_at(NOON + 5 * SECOND, took=MINUTE)
    process.pass_at(NOON + 66 * SECOND)


HAPPENINGS: dict[Callable[..., None], str] = {
    slept: "the machine was asleep for 1 min",
    set_forward: "the clock was set forward by 1 min",
    met_errors: lateness.FAILED,
    was_busy: "the scheduler was busy for 1 min",
}


@pytest.mark.parametrize("happens", HAPPENINGS, ids=lambda one: one.__name__)
def test_each_cause_is_told_alike_by_whoever_records(happens: Any, clocks: dict[str, timedelta]) -> None:
    process, young = Process("scheduler@here:1"), Process("scheduler@here:2")
    process.pass_at(NOON)
    happens(process, clocks)
    young.pass_at(NOON + 80 * SECOND)
    assert causes(NOON + 30 * SECOND, process, young) == {HAPPENINGS[happens]}


@pytest.mark.parametrize(
    ("rows", "cause"),
    [
        ([], "no scheduler was running"),
        ([(MINUTE, 5 * MINUTE, [])], "no scheduler was running"),
        ([(-MINUTE, 5 * MINUTE, [])], ""),
        ([(-MINUTE, timedelta(), [])], AWAY),
        ([(-MINUTE, -SECOND, []), (-MINUTE, 5 * MINUTE, [(timedelta(), MINUTE, "")])], AWAY),
        ([(-MINUTE, 5 * MINUTE, []), (-MINUTE, 5 * MINUTE, [(timedelta(), MINUTE, "busy")])], ""),
        ([(-MINUTE, 5 * MINUTE, [(timedelta(), 2 * MINUTE, "busy")]),
          (-MINUTE, 5 * MINUTE, [(timedelta(), MINUTE, "slept")])], "slept"),
        ([(-MINUTE, -SECOND, []), (-MINUTE, 5 * MINUTE, [(timedelta(), MINUTE, "busy")])], "busy"),
    ],
)  # fmt: skip
def test_the_rows_of_all_schedulers_decide(rows: list[Any], cause: str) -> None:
    for started, seen, gaps in rows:
        told = [[(NOON + begin).isoformat(), (NOON + end).isoformat(), why] for begin, end, why in gaps]
        a_scheduler(NOON, started_at=NOON + started, seen_at=NOON + seen, gaps=told)
    assert cause_of(NOON + 30 * SECOND, list(Scheduler.objects.all())) == cause


def reason_of(schedule: Schedule) -> str:
    return Firing.objects.get(schedule=schedule).reason


def test_a_one_shot_that_was_paused_over_its_moment_is_late_because_of_the_pause() -> None:
    one = a_schedule(NOON, at=NOON + 10 * MINUTE)
    assert pause(one.pk, now=NOON + MINUTE)
    assert resume(one.pk, now=NOON + 30 * MINUTE)
    tick(the_situation(NOON + 30 * MINUTE + SECOND))
    assert reason_of(one) == "Fired 20 min 1 s late: it was paused until 2026-11-24 12:30:00 UTC."


def test_what_kept_it_after_the_pause_is_told_beside() -> None:
    one = a_schedule(NOON, at=NOON + 10 * MINUTE)
    assert pause(one.pk, now=NOON + 11 * MINUTE)
    a_scheduler(NOON, started_at=NOON, seen_at=NOON + 25 * MINUTE)
    assert resume(one.pk, now=NOON + 30 * MINUTE)
    tick(the_situation(NOON + 40 * MINUTE))
    why = (
        "it was paused until 2026-11-24 12:30:00 UTC, "
        "then no scheduler was running; the last one was seen at 12:25:00 UTC"
    )
    assert reason_of(one) == f"Fired 30 min late: {why}."


def test_what_kept_it_before_the_pause_is_told_first() -> None:
    one = a_schedule(NOON, at=NOON + 10 * MINUTE)
    a_scheduler(NOON, started_at=NOON, seen_at=NOON + 5 * MINUTE)
    assert pause(one.pk, now=NOON + 12 * MINUTE)
    assert resume(one.pk, now=NOON + 30 * MINUTE)
    tick(the_situation(NOON + 30 * MINUTE + SECOND))
    away = "no scheduler was running; the last one was seen at 12:05:00 UTC"
    assert (
        reason_of(one) == f"Fired 20 min 1 s late: {away}, then it was paused until 2026-11-24 12:30:00 UTC."
    )


def test_a_pause_before_it_came_due_is_no_reason() -> None:
    one = a_schedule(NOON, at=NOON + 10 * MINUTE)
    assert pause(one.pk, now=NOON + MINUTE)
    assert resume(one.pk, now=NOON + 2 * MINUTE)
    schedule_writer.save(Schedule.objects.get(pk=one.pk), {"name": "Another name"}, now=NOON + 3 * MINUTE)
    tick(the_situation(NOON + 20 * MINUTE))
    assert reason_of(one) == "Fired 10 min late: no scheduler was running."
