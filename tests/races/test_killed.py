"""Real schedulers, killed and told to leave at any moment, on a database that goes away: nothing is lost."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.db import connection, transaction

from agents.models import Event
from schedules.dispatch.reaper import MAX_LOST
from schedules.models import Firing, Run, Slot
from schedules.states import RunStatus, Source
from schedules.transitions import enqueue, request_cancel
from stagent.lib import clock, wakeup
from stagent.ops import audit
from tests.support.builders import a_profile, a_schedule
from tests.support.observer import plain_connection
from tests.support.processes import Process
from tests.support.seed import chance
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]

TURNS = 6
KILLS = MAX_LOST  # one more, and a run that lost them all would rightly fail
WORK = f"Work. [[offline: turns={TURNS} delay=5ms]]"
ENDLESS = "Talk. [[offline: tokens=100000 delay=20ms]]"
AGES = 90.0  # a busy machine takes its time to start Python
LONG_LEASE = "60"  # for who is to keep what it holds, though its machine be stalled for seconds


def scheduler(*arguments: str, lease: str = "5") -> Process:
    return Process("runscheduler", *arguments, SCHEDULE_LEASE_TTL_SEC=lease, LOG_LEVEL="WARNING")


def ask(prompt: str, name: str = "asked") -> Run:
    now = clock.now()
    schedule = a_schedule(
        now, name=name, prompt=prompt, profile=a_profile("worker", tools=["*"]), cron="0 0 1 1 *"
    )
    with transaction.atomic():
        run = enqueue(schedule, source=Source.MANUAL, now=now)
        wakeup.notify()
    return run


def talks(run: Run) -> Callable[[], bool]:
    return Event.objects.filter(transcript=run.transcript_id, kind="text_delta").exists


def held_by(process: Process) -> Callable[[], bool]:
    return Run.objects.running().filter(holder__contains=f":{process.pid}:").exists


def finished(run: Run) -> Callable[[], bool]:
    return lambda: Run.objects.get(pk=run.pk).finished


def check_story(run: Run) -> None:
    """The transcript has no gap, tells of every turn once, and agrees with the run.

    A worker killed between its last turn and its last event leaves a whole answer: the reaper
    ends the run with it.
    """
    events = list(Event.objects.filter(transcript=run.transcript_id).order_by("seq"))
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    turns = [event.data["turn"] for event in events if event.kind == "turn_finished"]
    assert turns == list(range(1, TURNS + 1))
    assert run.turn_count == TURNS
    assert events[-1].kind in ("finished", "turn_finished")


def test_schedulers_killed_at_random_moments_lose_nothing_and_do_nothing_twice() -> None:
    runs = [ask(WORK, f"asked {number}") for number in range(6)]
    soon = clock.now() + timedelta(seconds=5)
    for number in range(6):
        profile = a_profile("worker", tools=["*"])
        a_schedule(
            clock.now(),
            name=f"once {number}",
            prompt=WORK,
            profile=profile,
            at=soon + number * timedelta(seconds=1),
        )
    drawn = chance("schedulers killed")
    with ExitStack() as house:
        alive = [house.enter_context(scheduler()) for _ in range(2)]
        for _ in range(KILLS):
            victim = wait_until(lambda: next((one for one in alive if held_by(one)()), None), within=AGES)
            threading.Event().wait(drawn.uniform(0, 0.8))
            victim.signal(signal.SIGKILL)
            alive.remove(victim)
            alive.append(house.enter_context(scheduler()))
        wait_until(lambda: not Run.objects.unfinished().exists() and Run.objects.count() == 12, within=AGES)
    assert Firing.objects.count() == 6, "every instant fired once"
    assert not Slot.objects.held().exists()
    for run in Run.objects.all():
        assert run.lost_count <= KILLS
        assert (run.status, run.attempt) == (RunStatus.COMPLETED, run.lost_count + 1)
        check_story(run)
    assert not list(audit.differences())
    assert len(runs) + 6 == Run.objects.count()


def test_told_to_leave_it_hands_back_what_is_not_done_in_time() -> None:
    run = ask(ENDLESS)
    with scheduler("--grace", "0.2", lease=LONG_LEASE) as process:
        wait_until(talks(run), within=AGES)
        process.signal(signal.SIGTERM)
        assert process.end() == 0
    run.refresh_from_db()
    assert (run.status, run.attempt, run.lost_count) == (RunStatus.QUEUED, 0, 0)
    assert not Slot.objects.held().exists()


def test_told_twice_it_leaves_at_once() -> None:
    run = ask(ENDLESS)
    with scheduler("--grace", "600", lease=LONG_LEASE) as process:
        wait_until(talks(run), within=AGES)
        process.signal(signal.SIGTERM)
        process.signal(signal.SIGINT)
        assert process.end() == 0
    run.refresh_from_db()
    assert (run.status, run.attempt) == (RunStatus.QUEUED, 0)


def test_a_cancel_in_this_process_reaches_a_run_in_another() -> None:
    run = ask(ENDLESS)
    with scheduler(lease=LONG_LEASE) as process:
        wait_until(talks(run), within=AGES)
        request_cancel(run.pk, reason="enough", now=clock.now())
        wait_until(finished(run))
        process.signal(signal.SIGTERM)
        assert process.end() == 0
    run.refresh_from_db()
    assert (run.status, run.cancel_reason) == (RunStatus.CANCELLED, "enough")
    assert run.result


@pytest.fixture
def database_away() -> Iterator[Callable[[], None]]:
    """Take the database away for a while: cut every connection, or lock the file."""
    connection.close()
    with plain_connection() as link:

        def go_away() -> None:
            if connection.vendor == "postgresql":
                others = "datname = current_database() AND pid <> pg_backend_pid()"
                link.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
                connection.close()
            else:
                link.execute("BEGIN EXCLUSIVE")
                threading.Event().wait(2)
                link.execute("ROLLBACK")

        yield go_away


def test_the_database_goes_away_and_the_scheduler_goes_on(database_away: Callable[[], None]) -> None:
    run = ask(WORK.replace("5ms", "50ms"))
    with scheduler() as process:
        wait_until(held_by(process), within=AGES)
        database_away()
        wait_until(finished(run), within=AGES)
        later = ask(WORK)
        wait_until(finished(later), within=AGES)
        process.signal(signal.SIGTERM)
        assert process.end() == 0
    for one in (run, later):
        one.refresh_from_db()
        assert (one.status, one.attempt) == (RunStatus.COMPLETED, one.lost_count + 1)
        check_story(one)
