"""Real schedulers and a run that asks: killed and told to leave while a person thinks, nothing is lost."""

import signal
from collections.abc import Callable

import pytest

from agents.approvals import approvals
from agents.models import Approval, Event
from schedules.dispatch import waiting_runs
from schedules.models import Run, Slot
from schedules.services import cancel_run
from schedules.services.cancel_run import Cancelled
from schedules.states import RunStatus
from stagent.lib import clock
from tests.races.test_killed import AGES, LONG_LEASE, ask, finished, scheduler
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]
WORDS = "Ask me: which colour?"


def is_now(run: Run, status: RunStatus) -> Callable[[], bool]:
    return Run.objects.filter(pk=run.pk, status=status).exists


def test_a_run_outlives_its_scheduler_while_it_waits_and_goes_on_at_once_when_answered(alice) -> None:
    run = ask(WORDS)
    with scheduler() as first:
        wait_until(is_now(run, RunStatus.WAITING), within=AGES)
        first.signal(signal.SIGKILL)
        first.end()
    assert not Slot.objects.held().exists()
    approval = Approval.objects.get()
    with scheduler("--grace", "0", lease=LONG_LEASE) as second:
        second.says("is running")
        approvals.answer(approval.pk, alice, "Blue")
        wait_until(finished(run), within=AGES)
    run.refresh_from_db()
    assert (run.status, run.attempt, run.turn_count) == (RunStatus.COMPLETED, 1, 2)
    assert "is: Blue" in run.result
    kinds = list(
        Event.objects.filter(transcript=run.transcript_id).order_by("seq").values_list("kind", flat=True)
    )
    assert kinds.count("approval_requested") == kinds.count("approval_resolved") == 1
    assert kinds.count("turn_started") == 2, "no turn was asked for twice"


def test_an_answer_whose_process_died_at_once_is_found_by_a_scheduler(alice) -> None:
    run = ask(WORDS)
    with scheduler():
        wait_until(is_now(run, RunStatus.WAITING), within=AGES)
        approvals.approval_answered.disconnect(waiting_runs.requeue_answered)
        try:
            approvals.answer(Approval.objects.get().pk, alice, "deny")
        finally:
            waiting_runs.connect()
        wait_until(finished(run), within=AGES)
    assert "I did not get an answer." in Run.objects.get(pk=run.pk).result


def test_a_scheduler_that_is_told_to_leave_does_not_wait_for_a_person() -> None:
    run = ask(WORDS)
    with scheduler() as process:
        wait_until(is_now(run, RunStatus.WAITING), within=AGES)
        process.signal(signal.SIGTERM)
        assert process.end() == 0
    assert is_now(run, RunStatus.WAITING)()
    assert Approval.objects.get().is_open
    assert cancel_run.cancel(run.pk, reason="Enough.", now=clock.now()) is Cancelled.AT_ONCE
    assert Approval.objects.get().status == "withdrawn"
