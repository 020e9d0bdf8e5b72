"""Questions answered, expired and called off at once by many: none is lost, and each goes one way."""

from collections import Counter
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry

from agents.models import Approval
from agents.states import ApprovalStatus
from schedules.dispatch.reaper import reap
from schedules.models import Run, Slot
from schedules.states import FINISHED, OverlapPolicy, RunStatus
from tests.races.actors import reaper, ticker
from tests.races.askers import answerer, asking_worker, caller_off
from tests.races.test_changes import minutely
from tests.support.builders import a_waiting_run
from tests.support.observer import Observer
from tests.support.racing import BASE, race

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]
BY_PEOPLE = (ApprovalStatus.ALLOWED, ApprovalStatus.DENIED)


def enough() -> bool:
    """Tell whether questions went several ways; which, is a matter of luck and of how busy the machine is."""
    settled = Approval.objects.exclude(status=ApprovalStatus.OPEN)
    ways = set(settled.values_list("status", flat=True).distinct())
    return settled.count() >= 6 and len(ways) >= 2 and bool(ways & {*BY_PEOPLE})


def test_answers_expiry_and_cancels_at_once_settle_one_way(alice, bob) -> None:
    bob.is_superuser = True
    bob.save()
    minutely(6, overlap_policy=OverlapPolicy.ALLOW)
    observer = Observer()
    reports = race(
        (ticker, {}),
        (reaper, {}),
        (caller_off, {}),
        *[(asking_worker, {"name": f"worker {number}"}) for number in range(2)],
        (answerer, {"name": "alice", "decision": "allow"}),
        (answerer, {"name": "bob", "decision": "deny"}),
        seconds=6,
        enough=enough,
        observer=observer,
    )
    assert observer.most("inside") <= 2
    assert observer.most("misheld") == observer.most("homeless") == 0
    assert reports.total(asking_worker, "too early") == 0, "nothing goes on before it is answered"
    assert reports.total(asking_worker, "ended") > 0
    for approval in Approval.objects.exclude(status=ApprovalStatus.OPEN):
        noted = LogEntry.objects.filter(object_id=approval.pk, content_type__model="approval").count()
        assert noted == (approval.status in BY_PEOPLE), "settled once, and only people's answers are theirs"
    assert not Approval.objects.open().filter(transcript__run__status__in=FINISHED).exists()
    for run in Run.objects.filter(status=RunStatus.COMPLETED):
        assert run.result == run.transcript.approvals.get().status, "it ended as it was answered"
    told = [result["told"] for result in reports.of(answerer)]
    for approval in Approval.objects.filter(status__in=BY_PEOPLE):
        heard = {answers[approval.pk] for answers in told if approval.pk in answers}
        assert heard == {approval.status}, "whoever came second was told of the first answer"


def test_nothing_waits_for_an_answer_that_was_given(alice) -> None:
    minutely(4, overlap_policy=OverlapPolicy.ALLOW)
    race(
        (ticker, {}),
        *[(asking_worker, {"name": f"worker {number}"}) for number in range(3)],
        *[(answerer, {"name": "alice", "decision": "allow"})] * 2,
        seconds=5,
        enough=Run.objects.filter(status=RunStatus.COMPLETED).exists,
    )
    # No reaper ran: what goes on does so by the answer itself, whichever of answer and parking came last.
    assert not Run.objects.answered().exists()
    assert not Slot.objects.held().exclude(run__status=RunStatus.RUNNING).exists()


def test_of_many_answers_at_once_everybody_is_told_the_first(alice, bob) -> None:
    bob.is_superuser = True
    bob.save()
    minutely(1)
    for _ in range(40):
        a_waiting_run(now=BASE)
    sides = [("alice", "allow"), ("bob", "deny")] * 2
    reports = race(
        *[(answerer, {"name": name, "decision": decision, "everything": True}) for name, decision in sides],
        seconds=2,
        enough=lambda: not Approval.objects.open().exists(),
    )
    for approval in Approval.objects.all():
        assert {result["told"][approval.pk] for result in reports.of(answerer)} == {approval.status}
    assert Counter(Run.objects.values_list("status", flat=True)) == {RunStatus.QUEUED: 40}
    assert reap(BASE + timedelta(seconds=1)) == 0
