"""What the console advises: on the cap beside the settings, on drifting steps beside the schedule."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from schedules.models import Run
from schedules.states import RunStatus
from stagent.lib import clock
from tests.support.builders import a_queued_run, a_schedule

pytestmark = pytest.mark.django_db


def test_the_settings_page_shows_the_evidence_for_the_cap(client: Client, alice: User) -> None:
    client.force_login(alice)
    page = client.get("/admin/schedules/setting/").content.decode()
    assert "Only 0 firings were measured in the last 7 days" in page
    assert "Slot wait, p95" in page
    assert "no data" in page


def test_the_schedules_page_says_that_its_steps_drift(client: Client, alice: User) -> None:
    now = clock.now()
    schedule = a_schedule(now)
    for number, count in enumerate([10] * 8 + [30] * 5):
        run = a_queued_run(schedule, now + timedelta(minutes=number))
        Run.objects.filter(pk=run.pk).update(status=RunStatus.COMPLETED, finished_at=now, turn_count=count)
    client.force_login(alice)
    page = client.get(f"/admin/schedules/schedule/{schedule.pk}/change/").content.decode()
    assert "took 30 steps (median), more than the 10 before" in page
