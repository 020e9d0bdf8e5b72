"""What the console advises: on the cap beside the settings, on drifting steps beside the schedule."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client

from schedules.models import Firing, Run
from schedules.states import RunStatus
from stagent.lib import clock
from tests.support.builders import a_queued_run, a_schedule
from tests.support.pages import Reader

pytestmark = pytest.mark.django_db


def test_the_settings_page_shows_the_evidence_for_the_cap(client: Client, alice: User) -> None:
    client.force_login(alice)
    page = client.get("/admin/schedules/setting/").content.decode()
    assert "Only 0 firings were measured in the last 7 days" in page
    assert "Slot wait, p95" in page
    assert "no data" in page


def test_the_evidence_leads_to_the_rows_it_was_measured_on(reader: Reader) -> None:
    now = clock.now()
    schedule = a_schedule(now, name="Crawl")
    for number, wait in enumerate([10] * 19 + [90_000, 95_000]):
        at = now - timedelta(minutes=number + 1)
        Firing.objects.create(
            schedule=schedule, schedule_name="Crawl", kind="scheduled", outcome="fired", nominal_at=at,
            due_at=at, fired_at=at, slot_claimed_at=at, slot_wait_ms=wait, event_loop_lag_ms=number,
        )  # fmt: skip
    page = reader.opens("/admin/schedules/setting/")
    assert "Event-loop lag, p99 20 ms room" in page
    assert "Slot wait, p95 1 min 30 s runs wait" in page
    wait, lag, every = [unescape(found) for found in re.findall(r'href="([^"]*/firing/[^"]+)"', reader.html)][
        ::-1
    ]
    assert "2 firings" in reader.opens(wait)
    assert "1 firing" in reader.opens(lag)
    assert "21 firings" in reader.opens(every)


def test_the_schedules_page_says_that_its_steps_drift(client: Client, alice: User) -> None:
    now = clock.now()
    schedule = a_schedule(now)
    for number, count in enumerate([10] * 8 + [30] * 5):
        run = a_queued_run(schedule, now + timedelta(minutes=number))
        Run.objects.filter(pk=run.pk).update(status=RunStatus.COMPLETED, finished_at=now, turn_count=count)
    client.force_login(alice)
    page = client.get(f"/admin/schedules/schedule/{schedule.pk}/change/").content.decode()
    assert "took 30 steps (median), more than the 10 before" in page
