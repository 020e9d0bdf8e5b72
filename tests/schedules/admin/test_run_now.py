"""Run now in the console: a double click, a blocker in the way, all work stopped."""

import re

import pytest
from django.contrib.admin.models import LogEntry

from agents.runtimes import breaker
from schedules.models import Run, Setting
from stagent.lib import clock
from tests.support.builders import a_schedule, a_scheduler

pytestmark = pytest.mark.django_db
LIST = "/admin/schedules/schedule/"


@pytest.fixture
def now():
    a_scheduler(moment := clock.now())
    return moment


def do(schedule, verb):
    return f"{LIST}{schedule.pk}/do/{verb}/"


@pytest.mark.parametrize("page", ["{LIST}{pk}/change/", "{LIST}"])
def test_run_now_clicked_twice_is_one_run(reader, now, page):
    schedule = a_schedule(now)
    reader.opens(page.format(LIST=LIST, pk=schedule.pk))
    key = re.search(r'id="row-form".*?name="click" value="([^"]+)"', reader.html, re.DOTALL)[1]
    for _ in range(2):
        reader.presses(do(schedule, "run"), click=key)
    assert Run.objects.count() == 1
    assert LogEntry.objects.filter(change_message__contains="run").count() == 1


def test_a_blocked_run_says_why_and_may_be_queued_but_not_forced(reader, now):
    schedule = a_schedule(now)
    breaker.trip(breaker.provider_of(schedule.profile), "auth_failed", "Invalid x-api-key.", now)
    page = reader.presses(do(schedule, "run"))
    assert "Invalid x-api-key. It is tried again" in page
    assert "Queue run" in page
    assert "Force…" not in page
    assert not Run.objects.exists()


def test_while_all_work_is_stopped_it_runs_with_a_warning(reader, now):
    Setting.objects.create(key="SCHEDULED_WORK_STOPPED", value="on")
    page = reader.presses(do(a_schedule(now), "run"))
    assert "All scheduled work is stopped in Settings. This run starts anyway" in page
    assert Run.objects.count() == 1
