"""A full disk holds no slot: what nobody performs any more is queued again by updates alone."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import OperationalError, connection

from agents.protocol.events import Notice
from agents.transcripts import transcript
from schedules import transitions
from schedules.deliveries import outbox
from schedules.dispatch.reaper import reap
from schedules.models import Run, Slot
from schedules.states import RunStatus
from schedules.transitions import request_cancel, run_ending
from tests.support.builders import NOON, a_running_run, a_schedule

LAPSED = NOON + timedelta(seconds=61)
NO_SPACE = "could not extend file: No space left on device"


def fills_up(*_, **__):
    raise OperationalError(NO_SPACE)


@pytest.fixture
def full(monkeypatch):
    """Let whatever adds rows at the end of a run find the disk full; updates go through."""
    monkeypatch.setattr(run_ending.totals, "charge_unpaid", fills_up)
    monkeypatch.setattr(outbox, "post", fills_up)


@pytest.mark.django_db
@pytest.mark.parametrize("before", ["lost", "lost for the third time", "cancelled", "overdue"])
def test_a_run_that_cannot_be_settled_holds_no_slot_and_ends_when_there_is_room(full, monkeypatch, before):
    run, claimed = a_running_run(a_schedule(max_run_duration_sec=10))
    moment = LAPSED
    if before == "lost for the third time":
        Run.objects.update(lost_count=2)
    elif before == "cancelled":
        request_cancel(run.pk, reason="enough", now=NOON)
    elif before == "overdue":
        transitions.renew([claimed.token], NOON + timedelta(seconds=80), timedelta(seconds=60))
        moment = NOON + timedelta(seconds=90)
    with pytest.raises(OperationalError, match="No space"):
        reap(moment)
    run.refresh_from_db()
    ends = RunStatus.CANCELLED if before == "cancelled" else RunStatus.QUEUED
    assert (run.status, run.slot, run.token) == (ends, "", None)
    assert not Slot.objects.held().exists()
    with pytest.raises(transcript.LeaseLost):
        transcript.append(claimed.transcript_id, claimed.token, [Notice("late", "x")], moment)
    assert run.not_before > moment
    monkeypatch.undo()
    reap(moment)
    run.refresh_from_db()
    assert run.status == ends


@pytest.mark.django_db
def test_one_that_cannot_be_settled_keeps_no_other_from_its_end(monkeypatch):
    runs = [a_running_run(a_schedule(name=f"Number {number}"))[0] for number in range(2)]
    with monkeypatch.context() as patch:
        patch.setattr(run_ending.totals, "charge_unpaid", fills_up)
        with pytest.raises(OperationalError):
            reap(LAPSED)
    assert not Slot.objects.held().exists()
    assert {Run.objects.get(pk=run.pk).status for run in runs} == {RunStatus.QUEUED}


def fill_up():
    for number in range(10_000):
        a_schedule(name=f"Filler {number} " + "x" * 60, prompt="y" * 3000)


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_a_real_file_that_may_not_grow_lets_the_slot_go():
    run, _ = a_running_run(a_schedule())
    request_cancel(run.pk, reason="enough " * 20, now=NOON)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA max_page_count = 1")  # no more than there are
        try:
            with pytest.raises(OperationalError, match="full"):
                fill_up()
            with suppress(OperationalError):
                reap(LAPSED)
            assert not Slot.objects.held().exists()
        finally:
            cursor.execute("PRAGMA max_page_count = 1073741823")
