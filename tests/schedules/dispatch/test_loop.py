"""The loop with everything in it: a scheduler in a thread, the offline model, a real database."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from agents.models import Event, Provider
from agents.states import FailureReason
from agents.transcripts import transcript
from schedules.dispatch.loop import Loop
from schedules.models import Firing, Run, Schedule, Scheduler, Slot
from schedules.services import schedule_writer
from schedules.states import RunStatus, ScheduleKind, ScheduleStatus, Source
from schedules.transitions import enqueue, request_cancel
from stagent.lib import clock, wakeup
from tests.support.builders import a_profile, a_schedule
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def a_running_scheduler(**options: Any) -> Iterator[Loop]:
    """A scheduler in a thread of this process; told to leave at the end, and waited for."""
    loop = Loop(**options)
    thread = threading.Thread(target=_run, args=(loop,))
    thread.start()
    try:
        yield loop
    finally:
        loop.stop()
        thread.join(timeout=30)
        assert not thread.is_alive()


def _run(loop: Loop) -> None:
    try:
        loop.run()
    finally:
        connections.close_all()


def ask(prompt: str, **changes: Any) -> Run:
    """Queue a run of a new schedule with this prompt, as a person would."""
    now = clock.now()
    changes = {"cron": "0 0 1 1 *"} | changes
    schedule = a_schedule(now, prompt=prompt, profile=a_profile("worker", tools=["*"]), **changes)
    run = enqueue(schedule, source=Source.MANUAL, now=now)
    wakeup.notify()
    return run


def ended(run: Run) -> Run:
    wait_until(lambda: Run.objects.get(pk=run.pk).finished)
    return Run.objects.get(pk=run.pk)


def test_a_due_schedule_fires_runs_and_every_metric_is_filled() -> None:
    with a_running_scheduler():
        wait_until(Scheduler.objects.exists)
        now = clock.now()
        schedule = a_schedule(now, prompt="Count these words.", at=now + timedelta(seconds=0.3), max_turns=5)
        wait_until(lambda: Firing.objects.filter(completed_at__isnull=False).exists())
    firing = Firing.objects.get(schedule=schedule)
    empty = [field.name for field in Firing._meta.concrete_fields if getattr(firing, field.name) is None]
    assert empty == ["last_nominal_at"]  # one instant has no last one beside the first
    assert firing.peak_rss_mb > 10
    assert (firing.run.status, firing.max_turns_at_firing, firing.turn_count) == (RunStatus.COMPLETED, 5, 1)
    assert "offline model" in firing.run.result
    assert not Scheduler.objects.exists()  # it left in good order


def test_events_are_numbered_without_gaps_and_end_the_story() -> None:
    run = ask("Say something. [[offline: turns=3]]")
    with a_running_scheduler():
        ended(run)
    events = Event.objects.filter(transcript=run.transcript_id)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert events.last().kind == "finished"
    assert events.filter(kind="turn_finished").count() == Run.objects.get(pk=run.pk).turn_count


def test_the_cap_is_kept_and_a_freed_slot_refilled_at_once() -> None:
    runs = [ask(f"Task {number}. [[offline: turns=2]]") for number in range(5)]
    with a_running_scheduler():
        for run in runs:
            assert ended(run).status == RunStatus.COMPLETED
    assert Firing.objects.count() == 0
    assert not Slot.objects.held().exists()


def test_a_run_at_its_turn_limit_delivers_a_partial_answer() -> None:
    run = ask("Work hard. [[offline: turns=30]]", max_turns=3)
    with a_running_scheduler():
        run = ended(run)
    assert (run.status, run.failure_reason) == (RunStatus.FAILED, FailureReason.TURN_LIMIT_EXCEEDED)
    assert (run.turn_count, run.result_partial) == (3, True)
    assert run.result


def test_a_cancel_reaches_the_run_and_keeps_what_it_said() -> None:
    run = ask("Talk. [[offline: tokens=4000 delay=20ms]]")
    with a_running_scheduler():
        wait_until(lambda: Event.objects.filter(transcript=run.transcript_id, kind="text_delta").exists())
        request_cancel(run.pk, reason="enough", now=clock.now())
        run = ended(run)
    assert (run.status, run.failure_reason, run.result_partial) == (
        RunStatus.CANCELLED,
        FailureReason.ABORTED,
        True,
    )
    assert run.result
    assert run.output_tokens > 0  # estimated, and paid for


def test_a_run_beyond_its_deadline_ends_as_lease_expired() -> None:
    run = ask("Hang. [[offline: hang]]", max_run_duration_sec=10)
    Run.objects.filter(pk=run.pk).update(max_run_duration_sec=1)
    with a_running_scheduler():
        run = ended(run)
    assert (run.status, run.failure_reason) == (RunStatus.FAILED, FailureReason.LEASE_EXPIRED)


def test_a_429_frees_the_slot_and_the_run_goes_on_later() -> None:
    run = ask("Be patient. [[offline: 429=1 retry_after=1]]")
    with a_running_scheduler():
        waiting = wait_until(Run.objects.filter(pk=run.pk, provider_retries=1).first)
        run = ended(run)
    assert (waiting.status, waiting.slot) == (RunStatus.QUEUED, "")
    assert (run.status, run.attempt) == (RunStatus.COMPLETED, 2)


def test_retries_are_bounded_and_the_true_reason_stands() -> None:
    run = ask("Overload. [[offline: 529=9 retry_after=60]]", retry_horizon_sec=10)
    with a_running_scheduler():
        run = ended(run)
    assert (run.status, run.failure_reason) == (RunStatus.FAILED, FailureReason.OVERLOADED)
    assert Schedule.objects.get(pk=run.schedule_id).failure_streak == 0


def test_a_bad_key_opens_the_breaker_for_all_and_burns_no_streak() -> None:
    run = ask("Go. [[offline: badkey]]")
    with a_running_scheduler():
        run = ended(run)
        wait_until(Provider.objects.filter(opened_at__isnull=False).exists)
        other = ask("Another.")
        wait_until(lambda: Run.objects.get(pk=other.pk).status == RunStatus.QUEUED)
    assert run.failure_reason == FailureReason.AUTH_FAILED
    assert Schedule.objects.get(pk=run.schedule_id).failure_streak == 0
    assert Run.objects.get(pk=other.pk).attempt == 0


def test_a_heartbeat_reports_by_its_tool() -> None:
    now = clock.now()
    profile = a_profile("watch", tools=["report", "list_files"])
    schedule = a_schedule(
        now, prompt="Check the folder and report if it changed.", profile=profile, kind=ScheduleKind.HEARTBEAT
    )
    run = enqueue(schedule, source=Source.HEARTBEAT, now=now)
    with a_running_scheduler():
        run = ended(run)
    assert run.status == RunStatus.COMPLETED
    assert run.report is not None
    assert set(run.report) == {"changed", "severity", "body"}


def test_leaving_lets_runs_finish_within_the_grace() -> None:
    run = ask("Short. [[offline: turns=3 delay=20ms]]")
    with a_running_scheduler(grace_sec=30):
        wait_until(lambda: Run.objects.get(pk=run.pk).status != RunStatus.QUEUED)
    assert Run.objects.get(pk=run.pk).status == RunStatus.COMPLETED


def test_leaving_hands_back_what_does_not_finish_and_uses_no_attempt() -> None:
    run = ask("Long. [[offline: tokens=100000 delay=50ms]]")
    with a_running_scheduler(grace_sec=0.1):
        wait_until(lambda: Event.objects.filter(transcript=run.transcript_id, kind="text_delta").exists())
    run.refresh_from_db()
    assert (run.status, run.attempt, run.lost_count) == (RunStatus.QUEUED, 0, 0)
    assert not Slot.objects.held().exists()


def test_a_run_whose_lease_was_taken_stops_and_its_late_result_is_kept_for_the_audit() -> None:
    run = ask("Long. [[offline: tokens=100000 delay=20ms]]")
    with a_running_scheduler(grace_sec=5):
        wait_until(lambda: Event.objects.filter(transcript=run.transcript_id, kind="text_delta").exists())
        Run.objects.filter(pk=run.pk).update(lease_expires_at=clock.now() - timedelta(seconds=1))
        from schedules.dispatch.reaper import reap

        Schedule.objects.update(status=ScheduleStatus.PAUSED, next_fire_at=None, next_nominal_at=None)
        Run.objects.filter(pk=run.pk).update(source=Source.SCHEDULED)
        reap(clock.now())
        wait_until(lambda: "late" in str(transcript.read(run.transcript_id, limit=10_000)[-1].kind))
    run.refresh_from_db()
    assert (run.status, run.lost_count) == (RunStatus.QUEUED, 1)


def test_a_pass_goes_on_when_a_phase_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from schedules.dispatch import loop as module

    monkeypatch.setattr(module, "reap", lambda *_: 1 / 0)
    run = ask("Still run.")
    with a_running_scheduler():
        assert ended(run).status == RunStatus.COMPLETED
    assert "The phase reap failed" in caplog.text


def test_an_edit_wakes_a_sleeping_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    from schedules.dispatch import loop as module

    monkeypatch.setattr(module, "LONGEST_SLEEP_SEC", 1000)  # by itself it would not look in time
    schedule = a_schedule(clock.now(), cron="0 0 1 1 *")
    with a_running_scheduler():
        wait_until(Scheduler.objects.exists)
        now = clock.now()
        schedule_writer.save(schedule, {"at": now + timedelta(seconds=0.2)}, now=now)
        wait_until(lambda: Firing.objects.filter(schedule=schedule, fired_at__isnull=False).exists())
