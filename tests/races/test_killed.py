"""Schedulers killed at random moments under load: nothing lost, nothing doubled, every slot free again."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import Count, F, Max

from agents.models import Event, Transcript
from schedules.models import Firing, Run, Schedule, Slot
from schedules.states import FINISHED, Outcome, OverlapPolicy, RunStatus, Source
from schedules.transitions import enqueue, request_cancel
from stagent.lib import bell, clock
from tests.support.builders import a_profile, a_schedule
from tests.support.processes import Process
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.races]

KILLS = 4
TTL = "3"
WORK = "Work on. [[offline: turns=6 delay=15ms]]"
LONG = "Talk on. [[offline: tokens=100000 delay=30ms]]"


def a_scheduler(*options: str) -> Process:
    return Process("runscheduler", *options, SCHEDULE_LEASE_TTL_SEC=TTL, SCHEDULE_MAX_CONCURRENT="3")


def ask(prompt: str, name: str = "Asked") -> Run:
    schedule = a_schedule(
        clock.now(), name=name, prompt=prompt, profile=a_profile("worker", tools=["*"]), cron="0 0 1 1 *"
    )
    run = enqueue(schedule, source=Source.MANUAL, now=clock.now())
    bell.ring()
    return run


def due_at_once(count: int) -> list[Schedule]:
    """One-shot schedules that come due one after the other within the next seconds."""
    now, profile = clock.now(), a_profile("worker", tools=["*"])
    return [
        a_schedule(
            now,
            name=f"Shot {number}",
            prompt=WORK,
            profile=profile,
            at=now + timedelta(seconds=1 + number * 0.4),
            overlap_policy=OverlapPolicy.ALLOW,
            max_retries=5,
        )
        for number in range(count)
    ]


@pytest.fixture
def dice(record_property: Callable[[str, object], None]) -> random.Random:
    seed = random.randrange(10**6)
    record_property("seed", seed)
    return random.Random(seed)


def test_schedulers_killed_at_random_moments_lose_and_double_nothing(dice: random.Random) -> None:
    shots = due_at_once(10)
    for _ in range(KILLS):
        with a_scheduler() as scheduler:
            scheduler.says("is running")
            time.sleep(dice.uniform(0.3, 2.5))  # a random moment is what is tested
            scheduler.signal(signal.SIGKILL)
            scheduler.end()
    with a_scheduler() as scheduler:
        wait_until(lambda: Firing.objects.count() == len(shots), within=60)
        wait_until(lambda: not Run.objects.unfinished().exists(), within=90)
        scheduler.signal(signal.SIGTERM)
        assert scheduler.end() == 0

    assert Counter(Firing.objects.values_list("schedule", "outcome")) == Counter(
        (shot.pk, Outcome.FIRED) for shot in shots
    )
    assert Run.objects.count() == len(shots)
    assert not Slot.objects.held().exists()
    for run in Run.objects.all():
        # A run that lost three workers has failed honestly; everything else is done.
        assert run.status == RunStatus.COMPLETED or (
            run.lost_count == 2 and run.failure_reason == "worker_lost"
        )
        assert run.turn_count <= 6
    gaps = Transcript.objects.annotate(count=Count("events"), last=Max("events__seq")).exclude(
        count=F("last")
    )
    assert not gaps.filter(count__gt=0).exists()
    ends = Event.objects.filter(kind="finished", transcript__run__status=RunStatus.COMPLETED)
    assert Counter(ends.values_list("transcript", flat=True)).most_common(1)[0][1] == 1


def test_a_killed_schedulers_slot_is_free_again_and_another_goes_on_at_the_turn_it_reached() -> None:
    run = ask("Work on. [[offline: turns=4 delay=60ms]]")
    with a_scheduler() as first:
        wait_until(lambda: Run.objects.get(pk=run.pk).turn_count >= 1)
        first.signal(signal.SIGKILL)
        first.end()
    assert Slot.objects.held().count() == 1
    with a_scheduler():
        wait_until(lambda: Run.objects.get(pk=run.pk).status in FINISHED)
    run.refresh_from_db()
    assert (run.status, run.lost_count, run.turn_count) == (RunStatus.COMPLETED, 1, 4)
    turns = Event.objects.filter(transcript=run.transcript_id, kind="turn_finished").order_by("seq")
    assert [event.data["turn"] for event in turns] == [1, 2, 3, 4]


def test_a_stopped_scheduler_that_wakes_up_late_is_refused() -> None:
    run = ask(LONG)
    with a_scheduler() as sleeper:
        wait_until(lambda: Event.objects.filter(transcript=run.transcript_id, kind="text_delta").exists())
        sleeper.signal(signal.SIGSTOP)
        with a_scheduler("--no-execute"):
            wait_until(lambda: Run.objects.get(pk=run.pk).lost_count == 1)
        Schedule.objects.update(status="paused", next_fire_at=None, next_nominal_at=None)
        Run.objects.update(source=Source.SCHEDULED)  # so that nobody starts it again
        sleeper.signal(signal.SIGCONT)
        sleeper.says("Late result")
    run.refresh_from_db()
    assert (run.status, run.token) == (RunStatus.QUEUED, None)
    last = Event.objects.filter(transcript=run.transcript_id).order_by("seq").last()
    assert last is not None
    assert "late" in last.kind


def test_sigterm_hands_a_long_run_back_and_uses_no_attempt() -> None:
    run = ask(LONG)
    with a_scheduler("--grace", "0.2") as scheduler:
        wait_until(lambda: Event.objects.filter(transcript=run.transcript_id, kind="text_delta").exists())
        scheduler.signal(signal.SIGTERM)
        assert scheduler.end() == 0
    run.refresh_from_db()
    assert (run.status, run.attempt, run.lost_count) == (RunStatus.QUEUED, 0, 0)
    assert not Slot.objects.held().exists()


def test_a_second_signal_does_not_wait() -> None:
    run = ask(LONG)
    with a_scheduler("--grace", "600") as scheduler:
        wait_until(lambda: Event.objects.filter(transcript=run.transcript_id, kind="text_delta").exists())
        scheduler.signal(signal.SIGINT)
        time.sleep(0.5)
        scheduler.signal(signal.SIGINT)
        assert scheduler.end() == 0
    assert Run.objects.get(pk=run.pk).status == RunStatus.QUEUED


def test_a_cancel_from_another_process_reaches_the_run() -> None:
    run = ask(LONG)
    with a_scheduler():
        wait_until(lambda: Event.objects.filter(transcript=run.transcript_id, kind="text_delta").exists())
        request_cancel(run.pk, reason="enough", now=clock.now())
        wait_until(lambda: Run.objects.get(pk=run.pk).status == RunStatus.CANCELLED)
    run.refresh_from_db()
    assert run.finished_at is not None
    assert run.cancel_requested_at is not None
    assert run.finished_at - run.cancel_requested_at < timedelta(
        seconds=10
    )  # a second where nothing else runs
