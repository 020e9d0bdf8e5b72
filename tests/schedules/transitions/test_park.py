"""Runs that wait for a person: put aside without slot and clock, back in the queue once it is answered."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from agents.approvals import approvals
from agents.errors import LeaseLost
from agents.models import Approval, Transcript
from agents.signals import approval_answered
from agents.states import ApprovalStatus
from schedules import conf
from schedules.dispatch import retention, waiting_runs
from schedules.dispatch.drain import drain
from schedules.dispatch.reaper import reap
from schedules.dispatch.tick import tick
from schedules.forecast.eta import SlotEta
from schedules.models import Firing, Run, Schedule, Slot
from schedules.models.spending import spender
from schedules.services import cancel_run
from schedules.services.cancel_run import Cancelled
from schedules.states import Outcome, OverlapPolicy, RunStatus
from schedules.transitions import Ending, claim, finish, park, remove, request_cancel, unpark, withdraw
from tests.support.builders import (
    NOON,
    a_queued_run,
    a_running_run,
    a_schedule,
    a_waiting_run,
    an_approval,
    the_situation,
)

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def deaf():
    """Lose every signal, as if the process died right after the commit."""
    approval_answered.disconnect(waiting_runs.requeue_answered)
    yield
    approval_answered.connect(waiting_runs.requeue_answered)


def test_a_run_that_asks_holds_nothing_while_it_waits():
    run, approval = a_waiting_run()
    assert (run.status, run.waiting_since, run.attempt) == (RunStatus.WAITING, NOON, 1)
    assert (run.token, run.slot, run.slot_claimed_at, run.lease_expires_at) == (None, "", None, None)
    assert not Slot.objects.held().exists()
    assert Transcript.objects.get(pk=run.transcript_id).writer_token is None
    assert (approval.run_id, approval.status) == (run.pk, ApprovalStatus.OPEN)


def test_the_time_that_it_waits_is_no_run_time():
    run, _ = a_waiting_run()
    Run.objects.update(worked_ms=90_000)
    assert run.deadline_at is None
    Approval.objects.update(status=ApprovalStatus.ALLOWED, answered_at=NOON)
    assert unpark(run.pk, now=NOON + 3 * HOUR)
    run.refresh_from_db()
    assert (run.status, run.waiting_since) == (RunStatus.QUEUED, None)
    claimed = claim(run, holder="another", now=NOON + 3 * HOUR, conf=conf.load())
    later = NOON + 3 * HOUR + timedelta(seconds=2)
    run.refresh_from_db()
    assert run.deadline_at == NOON + 3 * HOUR + timedelta(seconds=1200 - 90)
    done = Ending(RunStatus.COMPLETED, result="Done.", worked_ms=92_000)
    run = finish(run.pk, claimed.token, done, now=later)
    assert (run.attempt, run.worked_ms) == (1, 92_000)


def test_a_run_that_goes_on_is_before_scheduled_ones_in_line():
    run, _ = a_waiting_run()
    later = a_queued_run(a_schedule(name="Other"), now=NOON)
    Approval.objects.update(status=ApprovalStatus.DENIED, answered_at=NOON)
    unpark(run.pk, now=NOON + HOUR)
    assert Run.objects.order_by("claim_order").first() == run
    assert later.claim_order > Run.objects.get(pk=run.pk).claim_order


def test_an_answer_lets_it_go_on_at_once(alice, django_capture_on_commit_callbacks):
    run, approval = a_waiting_run()
    with django_capture_on_commit_callbacks(execute=True):
        approvals.answer(approval.pk, alice, "allow", NOON + HOUR)
    assert Run.objects.get(pk=run.pk).status == RunStatus.QUEUED


def test_an_answer_whose_signal_was_lost_is_found_by_the_next_sweep(
    alice, deaf, django_capture_on_commit_callbacks
):
    run, approval = a_waiting_run()
    with django_capture_on_commit_callbacks(execute=True):
        approvals.answer(approval.pk, alice, "allow", NOON + HOUR)
    assert Run.objects.get(pk=run.pk).status == RunStatus.WAITING
    assert reap(NOON + HOUR) == 1
    run.refresh_from_db()
    assert run.status == RunStatus.QUEUED
    assert reap(NOON + HOUR) == 0


def test_an_answer_that_comes_before_the_run_is_put_aside_is_not_lost(alice):
    run, claimed = a_running_run()
    approval = an_approval(claimed, spender(run))
    approvals.answer(approval.pk, alice, "allow", NOON)
    park(run.pk, claimed.token, now=NOON)
    assert Run.objects.get(pk=run.pk).status == RunStatus.QUEUED


def test_it_waits_for_the_last_of_its_questions(alice, django_capture_on_commit_callbacks):
    run, claimed = a_running_run()
    asked = [an_approval(claimed, spender(run), call_id=name) for name in ("one", "two")]
    park(run.pk, claimed.token, now=NOON)
    with django_capture_on_commit_callbacks(execute=True):
        approvals.answer(asked[0].pk, alice, "allow", NOON)
    assert Run.objects.get(pk=run.pk).status == RunStatus.WAITING
    assert not unpark(run.pk, now=NOON)
    with django_capture_on_commit_callbacks(execute=True):
        approvals.answer(asked[1].pk, alice, "deny", NOON)
    assert Run.objects.get(pk=run.pk).status == RunStatus.QUEUED


def test_nobody_answered_in_time_is_a_no_and_the_run_goes_on():
    run, approval = a_waiting_run()
    reap(NOON + 23 * HOUR)
    assert Run.objects.get(pk=run.pk).status == RunStatus.WAITING
    reap(NOON + 24 * HOUR)
    approval.refresh_from_db()
    assert approval.status == ApprovalStatus.EXPIRED
    assert Run.objects.get(pk=run.pk).status == RunStatus.QUEUED


def test_a_worker_that_lost_its_lease_cannot_put_the_run_aside():
    run, claimed = a_running_run()
    withdrawn = claimed.token
    request_cancel(run.pk, reason="", now=NOON)
    finish(run.pk, claimed.token, Ending(RunStatus.CANCELLED), now=NOON)
    with pytest.raises(LeaseLost):
        park(run.pk, withdrawn, now=NOON)
    assert Run.objects.get(pk=run.pk).status == RunStatus.CANCELLED


def test_a_run_that_waits_can_be_cancelled_and_asks_no_more():
    run, approval = a_waiting_run()
    assert cancel_run.cancel(run.pk, reason="Enough.", now=NOON + HOUR) is Cancelled.AT_ONCE
    run.refresh_from_db()
    approval.refresh_from_db()
    assert (run.status, run.cancel_reason, run.waiting_since) == (RunStatus.CANCELLED, "Enough.", None)
    assert approval.status == ApprovalStatus.WITHDRAWN
    assert not unpark(run.pk, now=NOON + HOUR)


def test_a_run_that_was_asked_to_stop_while_it_asked_is_cancelled():
    run, claimed = a_running_run()
    an_approval(claimed, spender(run))
    request_cancel(run.pk, reason="Enough.", now=NOON)
    park(run.pk, claimed.token, now=NOON)
    run.refresh_from_db()
    assert (run.status, run.cancel_reason) == (RunStatus.CANCELLED, "Enough.")
    assert not Approval.objects.open().exists()


def test_a_run_that_ends_with_a_question_open_takes_it_back(django_capture_on_commit_callbacks):
    run, claimed = a_running_run()
    approval = an_approval(claimed, spender(run))
    with django_capture_on_commit_callbacks(execute=True):
        finish(run.pk, claimed.token, Ending(RunStatus.CANCELLED), now=NOON)
    approval.refresh_from_db()
    assert approval.status == ApprovalStatus.WITHDRAWN


def test_a_question_left_by_an_ended_run_is_taken_back_by_the_sweep():
    run, claimed = a_running_run()
    approval = an_approval(claimed, spender(run))
    finish(run.pk, claimed.token, Ending(RunStatus.CANCELLED), now=NOON)
    assert Approval.objects.open().exists()
    reap(NOON)
    approval.refresh_from_db()
    assert approval.status == ApprovalStatus.WITHDRAWN


def test_a_schedule_whose_run_waits_is_busy():
    schedule = a_schedule(overlap_policy=OverlapPolicy.SKIP)
    a_waiting_run(schedule)
    tick(the_situation(NOON + timedelta(minutes=5)))
    firing = Firing.objects.get()
    assert firing.outcome == Outcome.SKIPPED_OVERLAP
    assert "still waiting" in firing.reason


def test_a_newer_instant_clears_a_waiting_run_away():
    schedule = a_schedule(overlap_policy=OverlapPolicy.CANCEL_RUNNING)
    run, _ = a_waiting_run(schedule)
    tick(the_situation(NOON + timedelta(minutes=5)))
    assert Run.objects.get(pk=run.pk).status == RunStatus.CANCELLED
    assert Run.objects.queued().count() == 1
    assert not Approval.objects.open().exists()


def test_a_run_that_is_queued_behind_one_that_waits_does_not_overlap_it():
    schedule = a_schedule(overlap_policy=OverlapPolicy.QUEUE_ONE)
    first, _ = a_waiting_run(schedule)
    tick(the_situation(NOON + timedelta(minutes=5)))
    assert Run.objects.queued().count() == 1
    assert drain(the_situation(NOON + timedelta(minutes=5)), "worker") == []
    withdraw(first.pk, now=NOON + HOUR, reason="")
    assert len(drain(the_situation(NOON + timedelta(minutes=6)), "worker")) == 1


def test_deleting_a_schedule_cancels_its_waiting_run():
    run, _ = a_waiting_run()
    assert run.schedule_id
    assert remove(run.schedule_id, now=NOON)
    assert Run.objects.get(pk=run.pk).status == RunStatus.CANCELLED
    assert not Schedule.objects.exists()


def test_the_estimates_leave_it_out():
    a_waiting_run()
    forecast = SlotEta.of(NOON)
    assert (forecast.position, forecast.blocking) == (1, [])


def test_a_run_that_waits_is_kept_however_old():
    run, approval = a_waiting_run()
    while not retention.prune(NOON + timedelta(days=400), 30):
        pass
    assert Approval.objects.get() == approval
    assert Run.objects.get() == run


def test_withdrawing_what_runs_changes_nothing():
    run, _ = a_running_run()
    assert not withdraw(run.pk, now=NOON, reason="")
    assert Run.objects.get().status == RunStatus.RUNNING


@pytest.mark.parametrize(
    "broken",
    [
        {"status": RunStatus.WAITING},
        {"waiting_since": NOON},
        {"status": RunStatus.WAITING, "waiting_since": NOON, "finished_at": NOON},
        {"status": RunStatus.WAITING, "waiting_since": NOON, "slot": "default #1"},
    ],
)
def test_the_database_refuses_half_a_wait(broken):
    run = a_queued_run()
    with pytest.raises(IntegrityError), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(**broken)
