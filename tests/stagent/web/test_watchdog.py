"""The thread of the web that notices when no scheduler is there, and tells it itself."""

from datetime import timedelta

import pytest
from django.core import mail

from schedules.models import Delivery, Notice
from schedules.monitoring import detectors
from stagent.lib import clock
from stagent.web.watchdog import Watchdog
from tests.support.builders import a_scheduler
from tests.support.mailbox import a_delivery
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def watchdog(monkeypatch, settings):
    """A watchdog without patience, who looks all the time."""
    monkeypatch.setattr(detectors, "SILENT_FOR", timedelta())
    settings.STAGENT_NOTIFY_EMAIL = "ops@example.org"
    watchdog = Watchdog(every_sec=0.02)
    yield watchdog
    watchdog.stop()
    watchdog.thread.join(30)
    assert not watchdog.thread.is_alive()


def test_the_web_tells_by_itself_that_no_scheduler_is_there(watchdog):
    theirs = a_delivery("alice@example.org", "email")
    watchdog.start()
    wait_until(lambda: Delivery.objects.filter(notice__isnull=False, status="delivered").exists())
    assert [letter.subject for letter in mail.outbox] == ["Stagent: no scheduler"]
    theirs.refresh_from_db()
    assert theirs.status == "pending"  # results wait for the scheduler, as ever


def test_it_closes_the_notice_when_one_is_back(watchdog):
    watchdog.start()
    wait_until(Notice.objects.exists)
    a_scheduler(clock.now() + timedelta(minutes=1))
    wait_until(lambda: not Notice.objects.open().exists())


def test_an_error_ends_no_watch(watchdog, monkeypatch):
    looks = []

    def look(*_):
        looks.append(1)
        raise RuntimeError("The database is away.")

    monkeypatch.setattr(detectors, "detect_missing_scheduler", look)
    watchdog.start()
    wait_until(lambda: len(looks) > 2)


def test_it_remembers_when_it_last_saw_one(watchdog, monkeypatch):
    monkeypatch.setattr(detectors, "SILENT_FOR", timedelta(hours=1))
    scheduler = a_scheduler(clock.now() + timedelta(minutes=1))
    looked = []
    look = detectors.detect_missing_scheduler

    def looking(now, since, seen):
        looked.append(seen)
        return look(now, since - timedelta(hours=2), seen)

    monkeypatch.setattr(detectors, "detect_missing_scheduler", looking)
    watchdog.start()
    wait_until(lambda: looked and looked[-1])
    scheduler.delete()
    behind = len(looked)
    wait_until(lambda: len(looked) > behind + 2)
    assert not Notice.objects.exists()
