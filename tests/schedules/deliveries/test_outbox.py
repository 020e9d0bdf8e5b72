"""What is to be told outside is written with the news itself, or not at all."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from agents.states import FailureReason
from schedules.deliveries import outbox
from schedules.models import Delivery, Firing, Run, Schedule
from schedules.states import RunStatus, ScheduleKind, Source
from schedules.transitions import Ending, finish
from tests.support.builders import NOON, a_running_run, a_schedule, has_worked

pytestmark = pytest.mark.django_db

SLOW = Ending(RunStatus.COMPLETED, worked_ms=55_000)
TOLD = {"webhook_url": "https://example.org/hook", "email": "alice@example.org"}


def end(schedule: Schedule, status: RunStatus = RunStatus.COMPLETED, **how: object) -> Run:
    run, claim = a_running_run(schedule, source=how.pop("source", Source.SCHEDULED))
    has_worked(claim, 3, cost_usd=Decimal("0.25"))
    return finish(run.pk, claim.token, Ending(status, **how), now=NOON + timedelta(minutes=1))


def test_a_result_is_posted_to_every_target_at_once():
    run = end(
        a_schedule(timezone="UTC", **TOLD),
        result="All is well.",
    )
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
        "timezone": "UTC",
        "run_id": str(run.pk),
        "transcript_id": str(run.transcript_id),
        "project_id": None,
        "profile": "tester",
        "source": "scheduled",
        "prompt": "Report.",
        "nominal_at": "2026-11-24T12:00:00+00:00",
        "fired_at": "2026-11-24T12:00:00+00:00",
        "finished_at": "2026-11-24T12:01:00+00:00",
        "status": "completed",
        "failure_reason": None,
        "failure_detail": None,
        "result": "All is well.",
        "result_partial": False,
        "report": None,
        "turn_count": 3,
        "cost_usd": 0.25,
    }
    assert list(Delivery.objects.due(NOON)) == []
    assert Delivery.objects.due(NOON + timedelta(minutes=1)).count() == 2


def test_a_result_tells_of_the_instant_it_was_for():
    schedule = a_schedule(email="alice@example.org")
    at = {"nominal_at": NOON - timedelta(hours=1), "due_at": NOON, "fired_at": NOON}
    firing = Firing.objects.create(schedule=schedule, kind="scheduled", outcome="fired", **at)
    run, claim = a_running_run(schedule, firing=firing)
    finish(run.pk, claim.token, Ending(RunStatus.COMPLETED), now=NOON)
    told = Delivery.objects.get().payload
    assert (told["nominal_at"], told["fired_at"]) == (
        "2026-11-24T11:00:00+00:00",
        "2026-11-24T12:00:00+00:00",
    )


@pytest.mark.parametrize("source", [Source.SCHEDULED, Source.MANUAL, Source.RETRY])
def test_a_result_goes_to_the_chat_page_of_the_schedules_owner(alice, source):
    run = end(a_schedule(owner=alice), source=source)
    delivery = Delivery.objects.get()
    assert (delivery.channel, delivery.target, delivery.run) == ("chat", str(alice.pk), run)


def test_nobodys_schedule_and_one_that_is_told_not_to_stay_out_of_the_chat(alice):
    end(a_schedule())
    end(a_schedule(owner=alice, deliver_to_chat=False))
    assert not Delivery.objects.exists()


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


@pytest.mark.parametrize(
    ("limits", "ending", "says"),
    [
        ({}, Ending(RunStatus.FAILED, FailureReason.TURN_LIMIT_EXCEEDED), "2 turn-limit breaches"),
        ({"max_run_duration_sec": 60}, SLOW, "raise the time limit"),
    ],
)
def test_a_schedule_warns_once_before_it_gets_worse(alice, limits, ending, says):
    schedule = a_schedule(owner=alice, **limits, **TOLD)
    for _ in range(4):
        end(schedule, ending.status, reason=ending.reason, worked_ms=ending.worked_ms)
    warnings = Delivery.objects.filter(kind="warning")
    assert sorted(warnings.values_list("channel", flat=True)) == ["chat", "email", "webhook"]
    assert says in warnings[0].payload["reason"]
    assert warnings[0].payload["profile"] == "tester"


def test_what_happened_is_told_before_what_it_means(alice):
    schedule = a_schedule(owner=alice)
    for _ in range(3):
        end(schedule, RunStatus.FAILED, reason=FailureReason.TOOL_ERROR)
    assert [*Delivery.objects.order_by("pk").values_list("kind", flat=True)] == [
        *["result"] * 3,
        "self_pause",
    ]


def test_news_that_did_not_happen_is_not_told():
    schedule = a_schedule(**TOLD)
    with transaction.atomic():
        outbox.post_self_pause(schedule, NOON)
        transaction.set_rollback(True)
    assert not Delivery.objects.exists()
