"""Chat comes first, for a bounded time: due schedules step back and keep their instants."""

from datetime import datetime, timedelta

import pytest

from agents import live_streams
from schedules.dispatch.tick import tick
from schedules.models import Firing
from schedules.states import Outcome
from tests.support.builders import NOON, a_schedule, the_situation

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def tick_at(moment: datetime) -> int:
    return tick(the_situation(moment))


def test_a_due_schedule_steps_back_while_somebody_is_answered_and_keeps_its_instant() -> None:
    schedule = a_schedule(interval="every 5m")
    due = NOON + 5 * MINUTE
    live_streams.begin("message:1", "web", 3600, due)
    tick_at(due)
    schedule.refresh_from_db()
    assert not Firing.objects.exists()
    assert (schedule.next_nominal_at, schedule.next_fire_at) == (due, due)
    assert schedule.deferred_until is not None
    assert due + timedelta(seconds=30) <= schedule.deferred_until <= due + timedelta(seconds=35)


def test_the_step_back_ends_with_the_stream() -> None:
    schedule = a_schedule(interval="every 5m")
    due = NOON + 5 * MINUTE
    token = live_streams.begin("message:1", "web", 3600, due)
    tick_at(due)
    live_streams.end("message:1", token)
    tick_at(due + timedelta(seconds=36))
    firing = Firing.objects.get()
    assert (firing.outcome, firing.nominal_at, firing.deferral_ms) == (Outcome.FIRED, due, 36_000)
    schedule.refresh_from_db()
    assert schedule.deferred_until is None


def test_the_step_back_is_bounded() -> None:
    a_schedule(cron="0 * * * *", now=NOON)
    due = NOON + timedelta(hours=1)
    live_streams.begin("message:1", "web", 3600, due)
    moment = due
    while not Firing.objects.exists() and moment <= due + timedelta(hours=1):
        tick_at(moment)
        moment += timedelta(seconds=1)
    firing = Firing.objects.get()
    assert firing.fired_at == due + timedelta(seconds=300)
    assert firing.outcome == Outcome.FIRED


def test_a_lapsed_stream_holds_nothing_back() -> None:
    a_schedule(interval="every 5m")
    live_streams.begin("message:1", "web", 60, NOON)
    tick_at(NOON + 5 * MINUTE)
    assert Firing.objects.get().outcome == Outcome.FIRED
