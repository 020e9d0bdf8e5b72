"""One door for schedules: each wrong field is named, nothing is half-written, what the system keeps stays."""

from datetime import time, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from schedules.models import Schedule
from schedules.services import schedule_writer
from schedules.states import ScheduleStatus
from schedules.transitions import pause
from tests.support.builders import NOON, a_schedule

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("words", "cron", "every_sec"),
    [
        ("every 5m", "*/5 * * * *", None),
        ("every 30 minutes", "*/30 * * * *", None),
        ("60m", "0 * * * *", None),
        ("24h", "0 0 * * *", None),
        ("daily at 9am", "0 9 * * *", None),
        ("90m", "", 5400),
        ("45m", "", 2700),
        ("7d", "", 604_800),
    ],
)
def test_words_become_cron_where_cron_can_say_it(words: str, cron: str, every_sec: int | None) -> None:
    schedule = a_schedule(interval=words)
    assert (schedule.cron, schedule.every_sec) == (cron, every_sec)


def test_45m_fires_every_45_minutes() -> None:
    schedule = a_schedule(interval="45m")
    assert schedule.next_fire_at == NOON + timedelta(minutes=45)
    upcoming = schedule.recurrence.upcoming(NOON, 3)
    assert [instant.at for instant in upcoming] == [NOON + timedelta(minutes=45 * step) for step in (1, 2, 3)]


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("cron", {"cron": "61 * * * *"}),
        ("cron", {"cron": "0 0 31 2 *"}),
        ("cron", {"cron": "* * * * * *"}),
        ("interval", {"interval": "every 30s"}),
        ("interval", {"interval": "whenever"}),
        ("interval", {"cron": "* * * * *", "interval": "5m"}),
        ("timezone", {"interval": "5m", "timezone": "Europe/Pariss"}),
        ("at", {"at": NOON - timedelta(seconds=1)}),
        ("ends_at", {"at": NOON + timedelta(seconds=60), "ends_at": NOON + timedelta(seconds=30)}),
        ("starts_at", {"at": NOON + timedelta(seconds=60), "starts_at": NOON + timedelta(seconds=90)}),
        ("max_turns", {"interval": "5m", "max_turns": 0}),
        ("max_turns", {"interval": "5m", "max_turns": 10_001}),
        ("max_run_duration_sec", {"interval": "5m", "max_run_duration_sec": 1}),
        ("ends_at", {"interval": "5m", "starts_at": NOON, "ends_at": NOON}),
        ("ends_at", {"interval": "1h", "ends_at": NOON + timedelta(minutes=5)}),
        ("active_until", {"interval": "5m", "kind": "heartbeat", "active_from": time(8)}),
        ("active_from", {"interval": "5m", "active_from": time(8), "active_until": time(9)}),
        ("name", {"interval": "5m", "name": ""}),
        ("prompt", {"interval": "5m", "prompt": ""}),
        ("kind", {"interval": "5m", "kind": "sometimes"}),
        ("priority", {"interval": "5m", "priority": 11}),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_written(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        a_schedule(**changes)
    assert list(refused.value.message_dict) == [field]
    assert not Schedule.objects.exists()


def test_saying_nothing_about_when_is_refused() -> None:
    from tests.support.builders import a_profile

    with pytest.raises(ValidationError, match="Enter when to run"):
        schedule_writer.save(Schedule(), {"name": "x", "prompt": "x", "profile": a_profile()}, now=NOON)


def test_a_new_limit_is_dated() -> None:
    schedule = a_schedule(max_turns=5)
    assert schedule.max_turns_set_at == NOON
    later = NOON + timedelta(hours=1)
    assert schedule_writer.save(schedule, {"name": "Renamed"}, now=later).max_turns_set_at == NOON
    assert schedule_writer.save(schedule, {"max_turns": 6}, now=later).max_turns_set_at == later
    assert schedule_writer.save(schedule, {"max_turns": None}, now=later).max_turns_set_at is None


def test_a_stale_form_overwrites_nothing_that_the_system_keeps() -> None:
    schedule = a_schedule()
    form = Schedule.objects.get(pk=schedule.pk)  # read before the others wrote
    pause(schedule.pk, now=NOON, reason="Holiday.")
    Schedule.objects.filter(pk=schedule.pk).update(failure_streak=2, firing_count=7)
    schedule_writer.save(form, {"name": "Renamed"}, now=NOON)
    stored = Schedule.objects.get(pk=schedule.pk)
    assert (stored.name, stored.status, stored.paused_reason) == (
        "Renamed",
        ScheduleStatus.PAUSED,
        "Holiday.",
    )
    assert (stored.failure_streak, stored.firing_count) == (2, 7)


def test_an_edit_that_is_not_about_when_leaves_the_next_instant_alone() -> None:
    schedule = a_schedule(interval="90m")
    schedule_writer.save(schedule, {"prompt": "Something else."}, now=NOON + timedelta(minutes=80))
    assert schedule.next_fire_at == NOON + timedelta(minutes=90)


def test_a_plain_interval_set_again_to_the_same_keeps_its_phase() -> None:
    schedule = a_schedule(interval="90m")
    schedule_writer.save(schedule, {"interval": "90 minutes"}, now=NOON + timedelta(minutes=80))
    assert schedule.next_fire_at == NOON + timedelta(minutes=90)


def test_a_completed_schedule_lives_again_when_given_new_instants() -> None:
    schedule = a_schedule(at=NOON + timedelta(minutes=1))
    Schedule.objects.filter(pk=schedule.pk).update(
        status=ScheduleStatus.COMPLETED, next_fire_at=None, next_nominal_at=None
    )
    schedule.refresh_from_db()
    schedule_writer.save(schedule, {"interval": "every 5m"}, now=NOON + timedelta(minutes=2))
    assert (schedule.status, schedule.next_fire_at) == (ScheduleStatus.ACTIVE, NOON + timedelta(minutes=5))
