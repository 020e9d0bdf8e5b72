"""What is to be told outside is written with the news itself, or not at all."""

from datetime import timedelta

import pytest
from django.db import transaction

from agents.states import FailureReason
from schedules import outbox
from schedules.models import Delivery, Run, Schedule
from schedules.states import RunStatus, ScheduleKind, Source
from schedules.transitions import Ending, finish
from tests.support.builders import NOON, a_running_run, a_schedule

pytestmark = pytest.mark.django_db

TOLD = {"webhook_url": "https://example.org/hook", "email": "alice@example.org"}


def end(schedule: Schedule, status: RunStatus = RunStatus.COMPLETED, **how: object) -> Run:
    run, claim = a_running_run(schedule, source=how.pop("source", Source.SCHEDULED))
    return finish(run.pk, claim.token, Ending(status, **how), now=NOON + timedelta(minutes=1))


def test_a_result_is_posted_to_every_target_at_once():
    run = end(a_schedule(**TOLD), result="All is well.")
    web, mail = Delivery.objects.order_by("-channel")
    assert (web.channel, web.target, mail.channel, mail.target) == (
        "webhook",
        "https://example.org/hook",
        "email",
        "alice@example.org",
    )
    assert web.payload == mail.payload
    assert web.payload == {
        "type": "result",
        "schedule_id": str(run.schedule_id),
        "schedule_name": "Nightly report",
        "run_id": str(run.pk),
        "status": "completed",
        "failure_reason": None,
        "failure_detail": None,
        "result": "All is well.",
        "result_partial": False,
        "report": None,
        "finished_at": "2026-11-24T12:01:00+00:00",
    }
    assert list(Delivery.objects.due(NOON)) == []
    assert Delivery.objects.due(NOON + timedelta(minutes=1)).count() == 2


def test_a_schedule_without_targets_has_nothing_posted():
    end(a_schedule())
    assert not Delivery.objects.exists()


def test_a_cancelled_run_is_no_news():
    end(a_schedule(**TOLD), RunStatus.CANCELLED)
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(("changed", "letters"), [(True, 2), (False, 0)])
def test_a_heartbeat_is_news_when_something_changed(changed, letters):
    schedule = a_schedule(kind=ScheduleKind.HEARTBEAT, **TOLD)
    report = {"changed": changed, "severity": "info", "body": "Seen."}
    end(schedule, source=Source.HEARTBEAT, report=report)
    assert Delivery.objects.count() == letters


def test_a_schedule_that_pauses_itself_says_why():
    schedule = a_schedule(email="alice@example.org")
    for _ in range(3):
        end(schedule, RunStatus.FAILED, reason=FailureReason.TOOL_ERROR)
    pause = Delivery.objects.get(kind="self_pause")
    assert "3 failures in a row" in pause.payload["reason"]
    assert pause.run is None
    assert Delivery.objects.filter(kind="result", payload__failure_reason="tool_error").count() == 3


def test_news_that_did_not_happen_is_not_told():
    schedule = a_schedule(**TOLD)
    with transaction.atomic():
        outbox.post_self_pause(schedule, NOON)
        transaction.set_rollback(True)
    assert not Delivery.objects.exists()
