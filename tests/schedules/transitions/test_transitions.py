"""Every arrow of a run: who may walk it, what it writes, and what a loser writes (nothing)."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from agents.errors import LeaseLost
from agents.protocol.events import TextDelta
from agents.states import FailureKind, FailureReason
from agents.transcripts import transcript
from schedules import conf
from schedules.errors import LostRace
from schedules.models import Run, Schedule, Slot
from schedules.models.run import UNADOPTED
from schedules.signals import run_finished
from schedules.states import ARROWS, FINISHED, RunStatus, Source
from schedules.transitions import (
    Ending,
    adopt,
    claim,
    fail_queued,
    finish,
    progress,
    renew,
    request_cancel,
    requeue,
    withdraw,
)
from tests.support.builders import NOON, a_queued_run, a_running_run, has_worked

pytestmark = pytest.mark.django_db
DONE = Ending(RunStatus.COMPLETED, result="All quiet.")
LATER = NOON + timedelta(seconds=90)


def test_a_claimed_run_has_a_slot_a_lease_and_a_token() -> None:
    run, claimed = a_running_run()
    assert (run.status, run.token, run.slot, run.attempt) == (
        RunStatus.RUNNING,
        claimed.token,
        "default #1",
        1,
    )
    assert run.lease_expires_at == NOON + timedelta(seconds=60)
    assert run.deadline_at == NOON + timedelta(seconds=1200)
    assert Slot.objects.get(run=run).number == 1


def test_a_lease_is_read_back_as_it_was_written_in_seconds_and_utc() -> None:
    run, _ = a_running_run()
    stored = Run.objects.get(pk=run.pk)
    assert stored.lease_expires_at is not None
    assert stored.lease_expires_at - NOON == timedelta(seconds=60)
    assert stored.lease_expires_at.year == 2026
    assert stored.lease_expires_at.utcoffset() == timedelta(0)


def test_a_run_is_claimed_once() -> None:
    run, _ = a_running_run()
    with pytest.raises(LostRace), transaction.atomic():
        claim(run, holder="another", now=NOON, conf=conf.load())
    assert Slot.objects.held().count() == 1  # what the loser held is rolled back


def test_a_schedules_own_duration_is_the_deadline() -> None:
    from tests.support.builders import a_schedule

    run, _ = a_running_run(a_schedule(max_run_duration_sec=90))
    assert run.deadline_at == NOON + timedelta(seconds=90)


def test_a_finished_run_has_its_result_and_its_firing_the_metrics() -> None:
    run, claimed = a_running_run()
    has_worked(claimed, 3)
    finish(run.pk, claimed.token, DONE, now=LATER)
    run.refresh_from_db()
    assert (run.status, run.result, run.turn_count, run.finished_at) == (
        RunStatus.COMPLETED,
        "All quiet.",
        3,
        LATER,
    )


def test_a_worker_that_lost_its_lease_cannot_finish_the_run() -> None:
    run, claimed = a_running_run()
    requeue(run.pk, claimed.token, now=LATER, lost_count=1)
    with pytest.raises(LeaseLost):
        finish(run.pk, claimed.token, DONE, now=LATER)
    run.refresh_from_db()
    assert (run.status, run.result) == (RunStatus.QUEUED, "")


def test_a_worker_that_lost_its_lease_can_write_nothing_at_all() -> None:
    run, claimed = a_running_run()
    requeue(run.pk, claimed.token, now=LATER, lost_count=1)
    with pytest.raises(LeaseLost):
        progress(run.pk, claimed.token)
    with pytest.raises(LeaseLost):
        transcript.append(run.transcript_id, claimed.token, [TextDelta(1, "late")], LATER)
    with pytest.raises(LeaseLost):
        requeue(run.pk, claimed.token, now=LATER)
    assert renew([claimed.token], LATER, timedelta(seconds=60)) == set()


def test_a_second_claim_fences_the_first_one_off() -> None:
    run, first = a_running_run()
    requeue(run.pk, first.token, now=LATER, lost_count=1)
    run.refresh_from_db()
    second = claim(run, holder="another", now=LATER, conf=conf.load())
    with pytest.raises(LeaseLost):
        finish(run.pk, first.token, DONE, now=LATER)
    finish(run.pk, second.token, DONE, now=LATER)


def test_a_resumed_run_gets_a_new_lease_and_what_is_left_of_its_time() -> None:
    run, first = a_running_run()
    requeue(run.pk, first.token, now=LATER, columns={"worked_ms": 200_000}, retry_count=1)
    run.refresh_from_db()
    assert run.deadline_at is None
    claim(run, holder="another", now=LATER, conf=conf.load())
    run.refresh_from_db()
    assert run.lease_expires_at == LATER + timedelta(seconds=60)
    assert run.deadline_at == LATER + timedelta(seconds=1000)
    assert (run.attempt, run.started_at, run.slot_claimed_at) == (2, NOON, LATER)


def test_an_ended_run_ends_once() -> None:
    run, claimed = a_running_run()
    finish(run.pk, claimed.token, Ending(RunStatus.FAILED, FailureReason.LEASE_EXPIRED), now=NOON)
    with pytest.raises(LeaseLost):
        finish(run.pk, claimed.token, Ending(RunStatus.CANCELLED), now=LATER)
    assert Run.objects.get(pk=run.pk).status == RunStatus.FAILED
    assert not withdraw(run.pk, now=LATER, reason="too late")
    assert not request_cancel(run.pk, reason="too late", now=LATER)


def test_renewal_tells_which_leases_are_still_held() -> None:
    run, claimed = a_running_run()
    assert renew([claimed.token, uuid.uuid4()], LATER, timedelta(seconds=60)) == {claimed.token}
    run.refresh_from_db()
    assert run.lease_expires_at == LATER + timedelta(seconds=60)


def test_a_run_claimed_by_a_request_is_adopted_once_and_changes_its_token() -> None:
    run, first = a_running_run(holder=UNADOPTED)
    taken = adopt(run, holder="scheduler 1", now=NOON, conf=conf.load())
    assert taken is not None
    assert taken.token != first.token
    assert adopt(run, holder="scheduler 2", now=NOON, conf=conf.load()) is None
    assert Run.objects.get(pk=run.pk).holder == "scheduler 1"


def test_a_lapsed_claim_of_a_request_is_not_adopted() -> None:
    run, _ = a_running_run(holder=UNADOPTED)
    assert adopt(run, holder="scheduler", now=LATER, conf=conf.load()) is None


def test_a_queued_run_is_withdrawn_and_a_running_one_is_asked() -> None:
    waiting = a_queued_run()
    assert withdraw(waiting.pk, now=LATER, reason="not needed")
    waiting.refresh_from_db()
    assert (waiting.status, waiting.finished_at) == (RunStatus.CANCELLED, LATER)
    run, _ = a_running_run()
    assert not withdraw(run.pk, now=LATER, reason="not needed")
    assert request_cancel(run.pk, reason="not needed", now=LATER)
    run.refresh_from_db()
    assert (run.status, run.cancel_requested_at) == (RunStatus.RUNNING, LATER)


def test_a_run_that_is_withdrawn_is_announced(django_capture_on_commit_callbacks: Any) -> None:
    ended, told = a_queued_run(), list[tuple[int, str]]()

    def hear(*, run: Run, **_: Any) -> None:
        told.append((run.pk, run.status))

    run_finished.connect(hear)
    with django_capture_on_commit_callbacks(execute=True):
        withdraw(ended.pk, now=NOON, reason="Not wanted.")
        withdraw(ended.pk, now=NOON, reason="Not wanted.")
    run_finished.disconnect(hear)
    assert told == [(ended.pk, RunStatus.CANCELLED)]


@pytest.mark.parametrize("source", [Source.MANUAL, Source.RETRY])
def test_a_run_by_hand_that_lost_its_worker_keeps_its_place(source: Source) -> None:
    run, claimed = a_running_run(source=source)
    requeue(run.pk, claimed.token, now=LATER)
    assert Run.objects.get(pk=run.pk).claim_order == run.claim_order


def test_a_scheduled_run_that_lost_its_worker_comes_before_others() -> None:
    run, claimed = a_running_run(source=Source.SCHEDULED)
    requeue(run.pk, claimed.token, now=LATER)
    assert Run.objects.get(pk=run.pk).claim_order < run.claim_order


def test_giving_up_needs_a_queued_run() -> None:
    run, _ = a_running_run()
    assert not fail_queued(run.pk, now=LATER, kind=FailureKind.UNREACHABLE, detail="")


def test_a_run_whose_slot_row_was_deleted_can_still_end() -> None:
    run, claimed = a_running_run()
    Slot.objects.all().delete()
    finish(run.pk, claimed.token, DONE, now=LATER)
    assert Run.objects.get(pk=run.pk).status == RunStatus.COMPLETED


def test_broken_books_hold_no_slot() -> None:
    run, claimed = a_running_run()
    Schedule.objects.filter(pk=run.schedule_id).update(max_turns_set_at=NOON, timezone="Nowhere/Land")
    finish(run.pk, claimed.token, Ending(RunStatus.FAILED, FailureReason.TURN_LIMIT_EXCEEDED), now=LATER)
    assert Run.objects.get(pk=run.pk).status == RunStatus.FAILED
    assert not Slot.objects.held().exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": RunStatus.RUNNING},
        {"status": RunStatus.RUNNING, "token": uuid.uuid4(), "slot": "default #1", "slot_claimed_at": NOON},
        {"status": RunStatus.COMPLETED},
        {"status": RunStatus.FAILED, "finished_at": NOON},
        {"status": RunStatus.QUEUED, "finished_at": NOON},
        {"status": RunStatus.QUEUED, "token": uuid.uuid4()},
    ],
    ids=["running without anything", "running without a lease", "completed without a moment",
         "failed without a reason",
         "queued but finished", "queued but held"],
)  # fmt: skip
def test_the_database_refuses_a_run_that_is(wrong: dict[str, object]) -> None:
    run = a_queued_run()
    with pytest.raises(IntegrityError), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(**wrong)


def test_a_run_holds_one_slot_of_a_pool_at_most() -> None:
    run, _ = a_running_run()
    a_running_run()
    with pytest.raises(IntegrityError), transaction.atomic():
        Slot.objects.filter(number=2).update(run=run)


def test_the_arrows_end_in_states_and_name_functions_that_exist() -> None:
    from schedules import transitions

    for before, after, function in ARROWS:
        assert before == "" or before in RunStatus.values
        assert after in RunStatus.values
        assert before not in FINISHED
        assert callable(getattr(transitions, function))
