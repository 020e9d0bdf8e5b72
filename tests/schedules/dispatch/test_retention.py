"""What has ended goes when it is old, bit by bit; what has not ended stays."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.models import Event, Transcript
from agents.transcripts import transcript
from schedules.dispatch import retention
from schedules.dispatch.maintenance import Maintenance
from schedules.models import Delivery, Firing, Notice, Run, Scheduler
from schedules.monitoring import notices
from schedules.states import FiringKind, Outcome, RunStatus
from tests.support.builders import NOON, a_queued_run, a_running_run, a_schedule, a_scheduler
from tests.support.mailbox import RESULT

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(days=31)
DAYS = 30


def an_ended_run(at: datetime = NOON, events: int = 3) -> Run:
    run = a_queued_run()
    Run.objects.filter(pk=run.pk).update(status=RunStatus.COMPLETED, finished_at=at)
    write(run.transcript, events)
    return run


def write(log: Transcript, events: int) -> None:
    Event.objects.bulk_create(
        Event(transcript=log, seq=seq, kind="text_delta", data={"text": "x"}, at=NOON)
        for seq in range(1, events + 1)
    )


def a_letter(run: Run | None = None, **columns: Any) -> Delivery:
    defaults = {
        "kind": "result", "channel": "email", "target": "alice@example.org", "payload": RESULT,
        "status": "delivered", "created_at": NOON, "next_attempt_at": NOON,
    }  # fmt: skip
    schedule = run.schedule if run else a_schedule()
    return Delivery.objects.create(schedule=schedule, run=run, **defaults | columns)


def a_firing(at: datetime, outcome: Outcome = Outcome.FIRED) -> Firing:
    schedule = a_schedule()
    return Firing.objects.create(
        schedule=schedule, schedule_name=schedule.name, kind=FiringKind.SCHEDULED, nominal_at=at, due_at=at,
        outcome=outcome,
    )  # fmt: skip


def test_an_old_run_goes_with_everything_that_hangs_on_it():
    run = an_ended_run()
    a_letter(run)
    firing = a_firing(NOON)
    Run.objects.filter(pk=run.pk).update(firing=firing)
    assert retention.prune(LATER, DAYS) is True
    for kept in (Run, Transcript, Event, Delivery, Firing):
        assert not kept.objects.exists(), kept


def test_what_is_younger_stays_whole():
    run = an_ended_run(LATER - timedelta(days=29))
    a_letter(run, created_at=LATER)
    a_firing(LATER)
    assert retention.prune(LATER, DAYS) is True
    assert [kept.objects.count() for kept in (Run, Transcript, Event, Delivery, Firing)] == [1, 1, 3, 1, 1]


def test_a_run_that_has_not_ended_stays_however_old():
    schedule = a_schedule()
    queued, (running, _) = a_queued_run(schedule), a_running_run(schedule)
    for run in (queued, running):
        Transcript.objects.filter(pk=run.transcript_id).update(created_at=NOON)
        write(run.transcript, 2)
    old = a_firing(NOON)
    Run.objects.filter(pk=running.pk).update(firing=old)
    assert retention.prune(NOON + timedelta(days=4000), DAYS) is True
    assert Run.objects.count() == 2
    assert Event.objects.count() == 4
    assert list(Firing.objects.all()) == [old]


def test_settled_letters_go_and_those_on_their_way_stay():
    a_letter(kind="self_pause")
    a_letter(status="failed")
    waiting = a_letter(status="pending")
    assert retention.prune(LATER, DAYS) is True
    assert list(Delivery.objects.all()) == [waiting]


def test_decisions_that_ran_nothing_go_by_their_instant():
    a_firing(NOON, Outcome.SKIPPED_OVERLAP)
    young = a_firing(LATER, Outcome.SKIPPED_OVERLAP)
    retention.prune(LATER, DAYS)
    assert list(Firing.objects.all()) == [young]


def test_notices_that_are_over_go_and_those_that_go_on_stay(settings):
    settings.STAGENT_NOTIFY_EMAIL = "ops@example.org"
    for cause in ("over", "open"):
        notices.open_notice(cause, Notice.Kind.BREAKER, "text", NOON)
    notices.close("over", NOON)
    while not retention.prune(LATER, DAYS):
        pass
    assert Notice.objects.get().cause == "open"
    assert Delivery.objects.get().notice.cause == "open"  # it is still on its way


def test_a_transcript_that_nobody_refers_to_goes_too():
    log = transcript.open_transcript(uuid4())
    write(log, 3)
    Transcript.objects.update(created_at=NOON)
    assert retention.prune(LATER, DAYS) is True
    assert not Transcript.objects.exists()


def test_however_little_time_there_is_it_gets_on():
    for _ in range(2):
        an_ended_run(events=transcript.MAX_DELETED_EVENTS * 3 // 5)
    left = []
    while not retention.prune(LATER, DAYS, seconds=0):
        left.append((Event.objects.count(), Run.objects.count()))
    assert left == [(transcript.MAX_DELETED_EVENTS // 5, 2), (0, 0)]


def test_no_event_is_loaded_to_be_deleted():
    an_ended_run(events=300)
    with CaptureQueriesContext(connection) as asked:
        retention.prune(LATER, DAYS)
    reads = [query["sql"] for query in asked if query["sql"].startswith("SELECT")]
    assert not [sql for sql in reads if '"agents_event"."data"' in sql]
    assert len(asked) < 30


def test_the_loop_prunes_and_then_rests_a_while():
    an_ended_run()
    maintenance = Maintenance()
    while Run.objects.exists():
        maintenance.run(LATER)
    maintenance.run(LATER)
    an_ended_run()
    maintenance.run(LATER)
    assert Run.objects.count() == 1


def test_schedulers_that_are_long_gone_are_forgotten():
    a_scheduler(NOON)
    alive = a_scheduler(LATER)
    Maintenance().run(LATER)
    assert list(Scheduler.objects.all()) == [alive]
