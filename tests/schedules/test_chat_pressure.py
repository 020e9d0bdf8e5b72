"""Chat comes first, for a bounded time: due schedules step back and keep their instants."""

from datetime import datetime, timedelta

import pytest

from agents import activity
from schedules.models import Firing
from schedules.states import Outcome
from schedules.tick import tick
from tests.support.builders import NOON, a_schedule, the_situation

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def tick_at(moment: datetime) -> int:
    return tick(the_situation(moment))


def test_a_due_schedule_steps_back_while_somebody_is_answered_and_keeps_its_instant() -> None:
    schedule = a_schedule(interval="every 5m")
    due = NOON + 5 * MINUTE
    activity.begin("message:1", "web", 3600, due)
    tick_at(due)
    schedule.refresh_from_db()
    assert not Firing.objects.exists()
    assert (schedule.next_nominal_at, schedule.next_fire_at) == (due, due)
    assert schedule.deferred_until is not None
    assert due + timedelta(seconds=30) <= schedule.deferred_until <= due + timedelta(seconds=35)


def test_the_step_back_ends_with_the_stream() -> None:
    schedule = a_schedule(interval="every 5m")
    due = NOON + 5 * MINUTE
    token = activity.begin("message:1", "web", 3600, due)
    tick_at(due)
    activity.end("message:1", token)
    tick_at(due + timedelta(seconds=36))
    firing = Firing.objects.get()
    assert (firing.outcome, firing.nominal_at, firing.deferral_ms) == (Outcome.FIRED, due, 36_000)
    schedule.refresh_from_db()
    assert schedule.deferred_until is None


def test_the_step_back_is_bounded() -> None:
    schedule = a_schedule(cron="0 * * * *", now=NOON)
    due = NOON + timedelta(hours=1)
    activity.begin("message:1", "web", 3600, due)
    moment = due
    while not Firing.objects.exists() and moment <= due + timedelta(hours=1):
        tick_at(moment)
        moment += timedelta(seconds=1)
    firing = Firing.objects.get()
    assert firing.fired_at == due + timedelta(seconds=300)
    assert firing.outcome == Outcome.FIRED


def test_a_lapsed_stream_holds_nothing_back() -> None:
    a_schedule(interval="every 5m")
    activity.begin("message:1", "web", 60, NOON)
    tick_at(NOON + 5 * MINUTE)
    assert Firing.objects.get().outcome == Outcome.FIRED


def test_a_schedule_that_cannot_be_ticked_is_set_aside_for_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    broken = a_schedule(cron="*/5 * * * *")
    a_schedule(name="whole")
    Schedule.objects.filter(pk=broken.pk).update(cron="nonsense")
    later = NOON + timedelta(minutes=5)
    assert tick(the_situation(later)) == 1
    assert tick(the_situation(later)) == 0
    assert caplog.text.count("could not be ticked") == 1
    tick(the_situation(later + timedelta(minutes=1)))
    assert caplog.text.count("could not be ticked") == 2


def test_an_edit_that_waited_its_turn_does_not_fire_again_what_was_fired_meanwhile() -> None:
    schedule = a_schedule(cron="*/5 * * * *")
    fired_at = NOON + timedelta(minutes=5)
    tick(the_situation(fired_at))
    schedule = Schedule.objects.get()
    editing.save(schedule, {"cron": "*/10,5 * * * *"}, now=fired_at - timedelta(seconds=1))
    assert schedule.next_nominal_at == NOON + timedelta(minutes=10)
