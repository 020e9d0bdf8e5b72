"""The arrows of a schedule and what they set off."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from schedules.states import ScheduleStatus
from schedules.transitions import pause, resume
from tests.support.builders import NOON, a_schedule

pytestmark = pytest.mark.django_db


def test_a_resumed_schedule_wakes_the_schedulers_once() -> None:
    schedule = a_schedule()
    pause(schedule.pk, now=NOON)
    with CaptureQueriesContext(connection) as asked:
        assert resume(schedule.pk, now=NOON)
    rings = [query for query in asked if "NOTIFY" in query["sql"] or "user_version =" in query["sql"]]
    assert len(rings) == 1


def test_paused_time_is_not_missed_time() -> None:
    schedule, later = a_schedule(interval="every 5m"), NOON + timedelta(hours=3, minutes=1)
    pause(schedule.pk, now=NOON, reason="Holiday.")
    resume(schedule.pk, now=later)
    schedule.refresh_from_db()
    assert (schedule.status, schedule.paused_reason) == (ScheduleStatus.ACTIVE, "")
    assert schedule.next_fire_at == later + timedelta(minutes=4)
