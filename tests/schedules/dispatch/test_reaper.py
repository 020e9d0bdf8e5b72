"""Whoever vanishes holds nothing for long, and the true reason is kept."""

from contextlib import nullcontext, suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError

from agents import live_streams
from agents.models import Approval, LiveStream
from agents.protocol.events import Notice
from agents.runtimes import breaker
from agents.states import ApprovalStatus, FailureReason
from agents.transcripts import transcript
from schedules import conf, transitions
from schedules.dispatch.drain import drain
from schedules.dispatch.reaper import reap
from schedules.models import Firing, Run, Schedule, Slot
from schedules.models.run import UNADOPTED
from schedules.states import FiringKind, Outcome, RunStatus
from schedules.transitions import claim, renew, request_cancel, requeue
from tests.support.builders import (
    NOON,
    a_queued_run,
    a_running_run,
    a_schedule,
    a_waiting_run,
    the_situation,
)

pytestmark = pytest.mark.django_db
LAPSED = NOON + timedelta(seconds=61)


def reap_at(moment: datetime) -> int:
    return reap(moment)


def claim_again(run: Run, now: datetime) -> None:
    run.refresh_from_db()
    claim(run, holder="another", now=now, conf=conf.load())


def test_a_live_lease_is_left_alone() -> None:
    a_running_run()
    assert reap_at(NOON + timedelta(seconds=59)) == 0


def test_a_vanished_worker_is_noticed_and_the_run_queued_again() -> None:
    run, _ = a_running_run()
    reap_at(LAPSED)
    run.refresh_from_db()
    assert (run.status, run.lost_count) == (RunStatus.QUEUED, 1)
    assert not Slot.objects.held().exists()


def test_a_run_that_loses_its_worker_thrice_fails_as_worker_lost() -> None:
    run, _ = a_running_run()
    moment = LAPSED
    for _ in range(2):
        reap_at(moment)
        claim_again(run, moment)
        moment += timedelta(seconds=61)
    reap_at(moment)
    run.refresh_from_db()
    assert (run.status, run.failure_reason) == (RunStatus.FAILED, FailureReason.WORKER_LOST)


def test_a_run_does_not_end_before_its_last_event_however_old_the_pass_is() -> None:
    run, claimed = a_running_run()
    Run.objects.update(lost_count=2)
    transcript.append(
        claimed.transcript_id, claimed.token, [Notice("late", "x")], LAPSED + timedelta(seconds=5)
    )
    reap_at(LAPSED)
    run.refresh_from_db()
    assert (run.status, run.finished_at) == (RunStatus.FAILED, LAPSED + timedelta(seconds=5))


def test_reaping_twice_is_reaping_once() -> None:
    run, _ = a_running_run()
    reap_at(LAPSED)
    assert reap_at(LAPSED) == 0
    run.refresh_from_db()
    assert run.lost_count == 1


def test_a_lapsed_run_that_somebody_cancelled_is_cancelled() -> None:
    run, _ = a_running_run()
    request_cancel(run.pk, reason="enough", now=NOON)
    reap_at(LAPSED)
    assert Run.objects.get(pk=run.pk).status == RunStatus.CANCELLED


def test_a_run_that_no_scheduler_adopted_is_queued_again_and_loses_nothing() -> None:
    run, _ = a_running_run(holder=UNADOPTED)
    reap_at(LAPSED)
    run.refresh_from_db()
    assert (run.status, run.lost_count, run.attempt) == (RunStatus.QUEUED, 0, 0)


def overdue(schedule: Schedule) -> Run:
    """A run of ten seconds whose owner renews its lease for ever."""
    run, claimed = a_running_run(schedule)
    renew([claimed.token], NOON + timedelta(seconds=60), timedelta(seconds=60))
    return run


def test_an_overdue_run_ends_as_lease_expired_even_when_its_lease_is_renewed() -> None:
    run = overdue(a_schedule(max_run_duration_sec=10))
    assert reap_at(NOON + timedelta(seconds=79)) == 0  # its holder may end it itself
    reap_at(NOON + timedelta(seconds=80))
    run.refresh_from_db()
    assert (run.status, run.failure_reason) == (RunStatus.FAILED, FailureReason.LEASE_EXPIRED)


def test_a_schedule_that_hangs_every_time_pauses_itself() -> None:
    schedule = a_schedule(max_run_duration_sec=10)
    for _ in range(3):
        overdue(schedule)
        reap_at(NOON + timedelta(seconds=80))
    schedule.refresh_from_db()
    assert (schedule.status, schedule.failure_streak) == ("paused", 3)
    assert "lease_expired" in schedule.paused_reason


def test_a_run_nobody_wants_any_more_expires_in_the_queue_and_its_firing_says_so() -> None:
    schedule = a_schedule()
    firing = Firing.objects.create(
        schedule=schedule,
        schedule_name="x",
        kind=FiringKind.SCHEDULED,
        nominal_at=NOON,
        due_at=NOON,
        outcome=Outcome.FIRED,
    )
    run = a_queued_run(schedule, firing=firing, expires_at=NOON + timedelta(hours=1))
    reap_at(NOON + timedelta(hours=1))
    firing.refresh_from_db()
    assert (Run.objects.get(pk=run.pk).status, firing.outcome) == (
        RunStatus.CANCELLED,
        Outcome.EXPIRED_IN_QUEUE,
    )
    assert "60 minutes" in firing.reason


def a_retry() -> Run:
    """A run that is tried again for five seconds yet."""
    run, until = a_queued_run(), NOON + timedelta(seconds=5)
    tried = {"retry_kind": "unreachable", "retry_detail": "The provider cannot be reached."}
    Run.objects.filter(pk=run.pk).update(started_at=NOON, retry_until=until, **tried)
    return run


def test_a_retry_fails_when_its_horizon_passes_and_its_provider_is_still_away() -> None:
    run = a_retry()
    breaker.trip(breaker.provider_of(run.profile), "sdk_error", "away", NOON)
    assert reap_at(NOON + timedelta(seconds=4)) == 0
    reap_at(NOON + timedelta(seconds=6))
    run.refresh_from_db()
    assert (run.status, run.failure_reason) == (RunStatus.FAILED, FailureReason.SDK_ERROR)
    assert run.failure_detail.endswith("The provider cannot be reached.")
    assert Schedule.objects.get().failure_streak == 0


def test_a_retry_that_waits_only_for_a_slot_is_left_in_the_queue() -> None:
    run = a_retry()
    assert reap_at(NOON + timedelta(seconds=6)) == 0
    assert Run.objects.get(pk=run.pk).status == RunStatus.QUEUED


def test_a_worker_that_dies_as_its_runs_time_is_used_up_ends_it() -> None:
    run, _ = a_running_run(a_schedule(max_run_duration_sec=10))
    Run.objects.filter(pk=run.pk).update(worked_ms=10_000)
    reap_at(LAPSED)
    run.refresh_from_db()
    assert (run.status, run.failure_reason) == (RunStatus.FAILED, FailureReason.LEASE_EXPIRED)


def test_one_rows_error_never_stops_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    from schedules.dispatch import reaper

    def requeue(run_id: int, *args: Any, **options: Any) -> None:
        if run_id == broken.pk:
            raise RuntimeError("a row nobody thought of")
        transitions.requeue(run_id, *args, **options)

    broken, _ = a_running_run(a_schedule(name="Broken"))
    sound, _ = a_running_run(a_schedule(name="Sound"))
    monkeypatch.setattr(reaper, "requeue", requeue)
    reap_at(LAPSED)
    assert Run.objects.get(pk=broken.pk).status == RunStatus.RUNNING
    assert Run.objects.get(pk=sound.pk).status == RunStatus.QUEUED


PARTS = {
    "agents.live_streams.sweep": "Reaping the live streams",
    "schedules.dispatch.waiting_runs.expire_approvals": "Reaping open questions",
    "schedules.dispatch.reaper._reap_lapsed": "Reaping run",
    "schedules.dispatch.reaper._reap_cancelled": "Reaping run",
    "schedules.dispatch.reaper._reap_expired": "Reaping run",
}
ERRORS = [RuntimeError("broken"), OperationalError("database or disk is full")]


@pytest.mark.parametrize("error", ERRORS, ids=["broken", "full"])
@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_fails_keeps_no_other_from_its_work_and_is_told_once(
    part: str, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: Any) -> None:
        raise error

    live_streams.begin("message:1", "web", 10, NOON)
    _, approval = a_waiting_run()
    lapsed, _ = a_running_run(a_schedule(name="Lapsed"))
    cancelled = a_queued_run(a_schedule(name="Cancelled"), cancel_requested_at=NOON)
    unwanted = a_queued_run(a_schedule(name="Unwanted"), expires_at=NOON)
    settled = {
        "agents.live_streams.sweep": lambda: not LiveStream.objects.exists(),
        "schedules.dispatch.waiting_runs.expire_approvals": lambda: (
            Approval.objects.get(pk=approval.pk).status == ApprovalStatus.EXPIRED
        ),
        "schedules.dispatch.reaper._reap_lapsed": lambda: (
            Run.objects.get(pk=lapsed.pk).status == RunStatus.QUEUED
        ),
        "schedules.dispatch.reaper._reap_cancelled": lambda: Run.objects.get(pk=cancelled.pk).finished_at,
        "schedules.dispatch.reaper._reap_expired": lambda: Run.objects.get(pk=unwanted.pk).finished_at,
    }
    monkeypatch.setattr(part, fails)
    with nullcontext() if isinstance(error, RuntimeError) else pytest.raises(OperationalError):
        reap_at(NOON + timedelta(hours=25))
    for _ in range(3):
        with suppress(OperationalError):
            reap_at(NOON + timedelta(hours=25))
    assert {name for name, is_settled in settled.items() if not is_settled()} == {part}
    told = [message for message in caplog.messages if message.startswith(PARTS[part])]
    assert len(told) == (1 if isinstance(error, RuntimeError) else 0)  # the loop tells the other


def test_a_run_that_had_started_does_not_expire_in_the_queue() -> None:
    run, _ = a_running_run(a_schedule(), expires_at=NOON + timedelta(minutes=1))
    reap_at(LAPSED)  # its worker vanished: it is queued again
    reap_at(LAPSED + timedelta(minutes=1))
    assert Run.objects.get(pk=run.pk).status == RunStatus.QUEUED


def test_a_run_asked_to_stop_just_as_it_was_handed_back_is_cancelled_and_blocks_nobody() -> None:
    run, claimed = a_running_run()
    request_cancel(run.pk, reason="enough", now=NOON)
    requeue(run.pk, claimed.token, now=NOON, attempt=-1)
    other = a_queued_run(a_schedule(name="other"))
    assert [claim.run_id for claim in drain(the_situation(NOON), "me")] == [other.pk]
    reap(NOON)
    run.refresh_from_db()
    assert (run.status, run.cancel_reason) == (RunStatus.CANCELLED, "enough")
