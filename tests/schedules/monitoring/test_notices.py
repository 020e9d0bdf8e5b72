"""What the operators are told: once for each trouble, by its cause, until somebody acknowledges it."""

import hashlib
import hmac
import json
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.core.management import call_command
from django.db import IntegrityError, transaction

from agents.runtimes import breaker
from schedules.deliveries.sender import send_due
from schedules.models import Delivery, Firing, Notice, Schedule
from schedules.monitoring import detectors, notices
from schedules.states import RunStatus
from schedules.transitions import Ending, finish, remove, resume
from tests.support.builders import NOON, a_running_run, a_schedule, a_scheduler
from tests.support.mailbox import Postbox

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PATIENT = detectors.SILENT_FOR + MINUTE


@pytest.fixture(autouse=True)
def by_mail(settings):
    settings.STAGENT_NOTIFY_EMAIL = "ops@example.org"


def missed(schedule: Schedule, at=NOON, count: int = 1) -> Firing:
    return Firing.objects.create(
        schedule=schedule, schedule_name=schedule.name, kind="scheduled", nominal_at=at, due_at=at,
        outcome="skipped_misfire", count=count,
    )  # fmt: skip


def told() -> list[str]:
    """Return the subjects of what was posted so far."""
    while send_due(NOON + HOUR * 9):
        pass
    return [letter.subject for letter in mail.outbox]


# A breaker.


def test_an_open_breaker_is_told_once_however_often_it_is_looked_at():
    breaker.trip("anthropic", "auth_failed", "invalid x-api-key", NOON)
    for minutes in range(3):
        detectors.detect(NOON + minutes * MINUTE)
    notice = Notice.objects.get()
    assert notice.text == "The breaker of anthropic is open: auth failed. invalid x-api-key"
    assert told() == ["Stagent: breaker open"]
    assert "invalid x-api-key" in mail.outbox[0].body
    assert mail.outbox[0].to == ["ops@example.org"]


def test_a_breaker_that_opens_again_is_counted_and_not_told_again():
    breaker.trip("anthropic", "auth_failed", "no", NOON)
    detectors.detect(NOON)
    breaker.trip("anthropic", "auth_failed", "still no", NOON + HOUR)
    detectors.detect(NOON + HOUR)
    notice = Notice.objects.get()
    assert (notice.count, notice.first_at, notice.last_at) == (2, NOON, NOON + HOUR)
    assert "still no" in notice.text
    assert len(told()) == 1


def test_a_closed_breaker_closes_its_notice_and_the_next_one_is_news():
    breaker.trip("anthropic", "auth_failed", "no", NOON)
    detectors.detect(NOON)
    breaker.close("anthropic")
    detectors.detect(NOON + MINUTE)
    assert Notice.objects.get().closed_at == NOON + MINUTE
    breaker.trip("anthropic", "auth_failed", "no", NOON + HOUR)
    detectors.detect(NOON + HOUR)
    assert len(told()) == 2


def test_two_providers_are_two_causes():
    for name in ("anthropic", "local"):
        breaker.trip(name, "auth_failed", "no", NOON)
    detectors.detect(NOON)
    assert set(Notice.objects.values_list("cause", flat=True)) == {"breaker:anthropic", "breaker:local"}


# Missed instants.


def test_missed_instants_of_many_schedules_are_one_notice():
    for name in ("A", "B"):
        missed(a_schedule(name=name), count=4)
    detectors.detect(NOON + MINUTE)
    notice = Notice.objects.get()
    assert notice.count == 8
    assert notice.text == (
        "8 instants were skipped as too late. The last one: “B”, due 2026-11-24 12:00 UTC."
    )
    assert told() == ["Stagent: instants missed"]


def test_later_ones_are_counted_in_and_none_is_counted_twice():
    schedule = a_schedule()
    missed(schedule)
    detectors.detect(NOON)
    missed(schedule, NOON + 5 * MINUTE)
    for _ in range(2):
        detectors.detect(NOON + 6 * MINUTE)
    assert Notice.objects.get().count == 2
    assert len(told()) == 1


def test_what_was_acknowledged_is_over_and_only_further_ones_are_news(alice):
    schedule = a_schedule()
    missed(schedule)
    detectors.detect(NOON)
    assert notices.acknowledge(Notice.objects.get().pk, alice, NOON + MINUTE)
    detectors.detect(NOON + 2 * MINUTE)
    assert not Notice.objects.open().exists()
    missed(schedule, NOON + HOUR)
    detectors.detect(NOON + HOUR)
    assert Notice.objects.open().get().count == 1


def test_a_day_without_any_closes_the_notice_and_old_ones_open_none():
    missed(a_schedule())
    detectors.detect(NOON)
    detectors.detect(NOON + 25 * HOUR)
    assert Notice.objects.get().closed_at == NOON + 25 * HOUR
    Notice.objects.all().delete()
    detectors.detect(NOON + 26 * HOUR)
    assert not Notice.objects.exists()


# Schedules that pause themselves.


def fail(schedule: Schedule, reason: str = "sdk_error", at=NOON, times: int = 3) -> None:
    for _ in range(times):
        run, claimed = a_running_run(schedule, at)
        finish(run.pk, claimed.token, Ending(RunStatus.FAILED, reason), now=at)


def test_a_schedule_that_pauses_itself_is_told_to_the_operators_with_its_reason():
    fail(a_schedule(name="Nightly"), times=2)
    assert told() == []
    fail(Schedule.objects.get(), times=1)
    assert told() == ["Stagent: schedule paused itself"]
    assert "“Nightly” paused itself: 3 failures in a row, the last one sdk_error." in mail.outbox[0].body


def test_schedules_that_pause_themselves_for_one_reason_are_told_once_and_counted():
    for name in ("First", "Second", "Third"):
        fail(a_schedule(name=name))
    fail(a_schedule(name="Other"), reason="tool_error")
    one, other = Notice.objects.order_by("pk")
    assert (one.count, other.count) == (3, 1)
    assert one.text.startswith("3 schedules paused themselves. The last one: “Third” paused itself")
    assert told() == ["Stagent: schedule paused itself"] * 2


def test_a_self_pause_that_was_acknowledged_is_over_and_a_further_one_is_news(alice):
    fail(a_schedule(name="First"))
    assert notices.acknowledge(Notice.objects.get().pk, alice, NOON)
    assert Notice.objects.get().closed_at == NOON
    fail(a_schedule(name="Second"), at=NOON + HOUR)
    assert len(told()) == 2


def test_a_self_pause_is_over_once_all_are_resumed_or_gone():
    first, second = a_schedule(name="First"), a_schedule(name="Second")
    fail(first)
    fail(second)
    assert resume(first.pk, now=NOON)
    detectors.detect(NOON + MINUTE)
    assert Notice.objects.get().closed_at is None
    assert remove(second.pk, now=NOON)
    detectors.detect(NOON + 2 * MINUTE)
    assert Notice.objects.get().closed_at == NOON + 2 * MINUTE


# No scheduler.


def test_silence_is_noticed_only_after_a_restart_could_be_over():
    a_scheduler(NOON)
    detectors.detect_missing_scheduler(NOON + MINUTE, NOON)
    assert not Notice.objects.exists()
    for minutes in (2, 3):
        detectors.detect_missing_scheduler(NOON + minutes * MINUTE, NOON)
    assert Notice.objects.get().text == (
        "No scheduler is running: nothing fires and no run starts. "
        "The last heartbeat was at 2026-11-24 12:00 UTC."
    )
    assert told() == ["Stagent: no scheduler"]


def test_one_that_left_in_order_may_come_back_like_one_that_died():
    long_dead = a_scheduler(NOON - HOUR)
    scheduler = a_scheduler(NOON)
    assert detectors.detect_missing_scheduler(NOON, NOON - HOUR)
    scheduler.delete()
    assert not detectors.detect_missing_scheduler(NOON + MINUTE, NOON - HOUR, seen=NOON)
    assert not Notice.objects.exists()
    detectors.detect_missing_scheduler(NOON + PATIENT, NOON - HOUR, seen=NOON)
    assert "last heartbeat was at 2026-11-24 12:00" in Notice.objects.get().text
    assert long_dead.seen_at < NOON


def test_a_web_that_has_just_begun_gives_the_scheduler_time():
    a_scheduler(NOON - 9 * HOUR)
    detectors.detect_missing_scheduler(NOON + MINUTE, NOON)
    assert not Notice.objects.exists()
    detectors.detect_missing_scheduler(NOON + PATIENT, NOON)
    assert Notice.objects.get().kind == Notice.Kind.NO_SCHEDULER


def test_one_that_executes_nothing_is_none():
    a_scheduler(NOON + PATIENT, executes=False)
    detectors.detect_missing_scheduler(NOON + PATIENT, NOON)
    assert "None was seen lately." in Notice.objects.get().text


@pytest.mark.parametrize("by", ["the scheduler itself", "the web"])
def test_a_scheduler_that_is_back_closes_the_notice(by):
    detectors.detect_missing_scheduler(NOON + PATIENT, NOON)
    a_scheduler(NOON + HOUR)
    if by == "the web":
        detectors.detect_missing_scheduler(NOON + HOUR, NOON)
    else:
        detectors.detect(NOON + HOUR)
    assert Notice.objects.get().closed_at == NOON + HOUR


# Telling and acknowledging.


def test_the_webhook_is_signed_with_a_key_of_its_own(settings, postbox: Postbox):
    settings.STAGENT_NOTIFY_EMAIL, settings.STAGENT_NOTIFY_WEBHOOK = "", postbox.url
    breaker.trip("anthropic", "auth_failed", "no", NOON)
    detectors.detect(NOON)
    assert send_due(NOON, notice__isnull=False) == 1
    (request,) = postbox.received
    body = json.loads(request.body)
    assert (body["type"], body["kind"], body["cause"]) == ("notice", "breaker", "breaker:anthropic")
    out = StringIO()
    call_command("webhooksecret", "--notices", stdout=out)
    at, _, signature = request.headers["Stagent-Signature"].removeprefix("t=").partition(",v1=")
    signed = hmac.new(out.getvalue().strip().encode(), f"{at}.".encode() + request.body, hashlib.sha256)
    assert signature == signed.hexdigest()


def test_without_an_address_nobody_is_written_to_and_the_console_knows_all_the_same(settings):
    settings.STAGENT_NOTIFY_EMAIL = ""
    breaker.trip("anthropic", "auth_failed", "no", NOON)
    detectors.detect(NOON)
    assert Notice.objects.unseen().count() == 1
    assert not Delivery.objects.exists()


def test_a_cause_has_one_open_notice_and_the_database_holds_to_it():
    for _ in range(2):
        notices.open_notice("x", Notice.Kind.MISSED, "text", NOON)
    assert Notice.objects.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        Notice.objects.create(cause="x", kind="missed", text="again", first_at=NOON, last_at=NOON)
    notices.close("x", NOON)
    assert notices.open_notice("x", Notice.Kind.MISSED, "text", NOON)


def test_a_notice_is_acknowledged_once_by_one_person_and_is_in_the_journal(alice, bob):
    breaker.trip("anthropic", "auth_failed", "no", NOON)
    detectors.detect(NOON)
    number = Notice.objects.get().pk
    assert notices.acknowledge(number, alice, NOON)
    assert not notices.acknowledge(number, bob, NOON)
    notice = Notice.objects.get()
    assert (notice.acknowledged_by, notice.closed_at) == (alice, None)
    assert LogEntry.objects.get().change_message == "Acknowledged."


def test_a_scheduler_looks_at_its_own_pace(monkeypatch):
    looked = []
    monkeypatch.setattr(detectors, "detect", looked.append)
    watch = detectors.Detectors()
    for _ in range(5):
        watch.detect(NOON)
    assert looked == [NOON]
