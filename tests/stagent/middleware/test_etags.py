"""Whoever polls is sent nothing twice."""

from datetime import timedelta

import pytest

from schedules.models import Scheduler
from schedules.transitions import pause
from stagent.lib import clock
from tests.support.builders import a_queued_run, a_running_run, a_schedule, a_scheduler
from tests.support.programs import Program

POLLED = ("/status", "/schedules", "/runs?status=queued", "/firings?limit=5", "/schedules/{}")


@pytest.fixture
def api(alice):
    return Program(alice)


@pytest.mark.parametrize("path", POLLED)
def test_an_answer_that_is_known_is_not_sent_again(api, path):
    now = clock.now()
    a_scheduler(now)
    schedule = a_schedule(now)
    path = path.format(schedule.pk)
    first = api.get(path)
    again = api.get(path, if_none_match=first.headers["ETag"])
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert api.get(path, if_none_match='"another"').status_code == 200


def test_a_change_is_sent(api):
    now = clock.now()
    schedule = a_schedule(now)
    known = {path: api.get(path).headers["ETag"] for path in ("/schedules", "/runs", "/status")}
    pause(schedule.pk, now=clock.now(), reason="a rest")
    a_queued_run(schedule, now)
    for path, etag in known.items():
        assert api.get(path, if_none_match=etag).status_code == 200, path


def test_time_that_passes_is_no_change_of_the_state(api):
    now = clock.now()
    a_running_run(a_schedule(now), now)
    a_scheduler(now, event_loop_lag_ms=1.5)
    known = api.get("/status").headers["ETag"]
    Scheduler.objects.update(seen_at=now + timedelta(seconds=1), event_loop_lag_ms=2.5, rss_mb=80)
    assert api.get("/status", if_none_match=known).status_code == 304
    Scheduler.objects.all().delete()
    assert api.get("/status", if_none_match=known).json()["scheduler"]["alive"] is False


def test_what_is_private_is_kept_by_no_proxy(api, db):
    headers = api.get("/runs").headers
    assert headers["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "Cookie"} <= {name.strip() for name in headers["Vary"].split(",")}


def test_neither_errors_nor_sheets_nor_other_pages_have_one(api, client, db):
    for answer in (api.get("/runs/999"), api.get("/firings?format=csv"), client.get("/healthz")):
        assert "ETag" not in answer.headers


async def test_it_is_so_on_the_web_as_it_is_served(async_client, settings):
    first = await async_client.get("/api/openapi.json")
    again = await async_client.get("/api/openapi.json", headers={"if-none-match": first.headers["ETag"]})
    assert (first.status_code, again.status_code) == (200, 304)
