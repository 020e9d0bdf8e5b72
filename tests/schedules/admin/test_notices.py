"""Notices in the console: on the first page, in their list, and out of the way once acknowledged."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission

from agents.runtimes import breaker
from schedules.dispatch.tick import tick
from schedules.models import Notice, Run
from schedules.monitoring import detectors
from stagent.lib import clock
from tests.support.builders import a_schedule, a_scheduler, the_situation

pytestmark = pytest.mark.django_db
LIST = "/admin/schedules/notice/"


@pytest.fixture
def notice():
    now = clock.now()
    a_scheduler(now)
    breaker.trip("anthropic", "auth_failed", "invalid x-api-key", now)
    detectors.detect(now)
    return Notice.objects.get()


def test_the_first_page_shows_it_until_somebody_acknowledges(reader, notice):
    assert "Notices" in reader.opens("/admin/")
    assert "The breaker of anthropic is open" in reader.words
    words = reader.presses(f"{LIST}{notice.pk}/acknowledge/")
    assert "Acknowledged" in words
    reader.opens("/admin/board/")
    assert 'id="notices"' not in reader.html
    assert reader.opens(LIST).count("acknowledged") >= 1


def test_a_second_click_says_that_somebody_was_quicker(reader, notice):
    reader.presses(f"{LIST}{notice.pk}/acknowledge/")
    assert "Already acknowledged or closed" in reader.presses(f"{LIST}{notice.pk}/acknowledge/")
    assert "Already acknowledged or closed" in reader.presses(f"{LIST}999999/acknowledge/")


@pytest.mark.parametrize(("standing", "shown"), [("unseen", True), ("open", True), ("closed", False)])
def test_they_are_found_by_how_they_stand(reader, notice, standing, shown):
    assert ("The breaker of anthropic" in reader.opens(LIST, state=standing)) == shown


def test_an_empty_list_says_what_would_stand_there(reader):
    assert "STAGENT_NOTIFY_EMAIL" in reader.opens(LIST)


def test_one_notice_has_a_page(reader, notice):
    assert "breaker:anthropic" in reader.opens(f"{LIST}{notice.pk}/change/")


def test_who_may_see_may_not_acknowledge_without_being_allowed_to(client, bob, notice):
    bob.user_permissions.add(Permission.objects.get(codename="view_notice"))
    client.force_login(bob)
    assert "Acknowledge</button>" not in client.get(LIST).content.decode()
    assert "Acknowledge</button>" not in client.get("/admin/").content.decode()
    assert client.post(f"{LIST}{notice.pk}/acknowledge/").status_code == 403
    assert client.get(f"{LIST}{notice.pk}/acknowledge/").status_code == 405
    bob.user_permissions.add(Permission.objects.get(codename="change_notice"))
    assert client.post(f"{LIST}{notice.pk}/acknowledge/").status_code == 302
    assert Notice.objects.get().acknowledged_by == bob


def test_who_may_see_nothing_sees_no_notices(client, bob, notice):
    client.force_login(bob)
    assert "The breaker of anthropic" not in client.get("/admin/board/").content.decode()
    assert client.get(LIST).status_code == 403


def test_a_missed_one_shot_has_a_button_that_runs_it_now(reader):
    now = clock.now()
    a_scheduler(now)
    schedule = a_schedule(now - timedelta(days=2), at=now - timedelta(days=1, hours=1))
    tick(the_situation(now))
    for page in ("/admin/", LIST):
        reader.opens(page)
        assert f"/admin/schedules/schedule/{schedule.pk}/do/run/" in reader.html
    reader.presses(f"/admin/schedules/schedule/{schedule.pk}/do/run/")
    assert Run.objects.get(source="manual").schedule_id == schedule.pk
