"""The cap in force, told by whoever works by it, where the web process reads another one."""

import pytest

from schedules import conf
from schedules.capacity import effective_cap
from schedules.conf import BY_NAME
from schedules.dispatch.loop import Loop
from schedules.errors import CapacityFull
from schedules.models import Scheduler, Setting
from schedules.services import run_now
from stagent.lib import clock
from tests.support.builders import NOON, a_schedule, a_scheduler

pytestmark = pytest.mark.django_db
KEY = BY_NAME["SCHEDULE_MAX_CONCURRENT"]


@pytest.fixture
def own_values(monkeypatch):
    """What a command line overrules is forgotten after the test."""
    monkeypatch.setattr(conf, "_overruled", set())
    monkeypatch.setenv(KEY.name, "")


def in_force() -> tuple[int, str, bool]:
    cap = effective_cap.snapshot(NOON)
    return cap.value, cap.source, cap.differs


def test_without_a_scheduler_it_is_what_the_settings_say():
    assert in_force() == (2, "default", False)


@pytest.mark.django_db(transaction=True)
def test_a_scheduler_tells_what_its_command_line_says(own_values):
    conf.overrule(KEY, 7)
    Loop().pass_once()
    told = Scheduler.objects.get()
    assert (told.cap, told.cap_source) == (7, "command line")


def test_the_command_line_of_a_scheduler_counts_in_every_process():
    a_scheduler(NOON, cap=7, cap_source="command line")
    assert in_force() == (7, "command line", True)
    assert effective_cap.load(NOON).max_concurrent == 7


def test_what_is_saved_counts_at_once_before_the_scheduler_says_so():
    a_scheduler(NOON, cap=2, cap_source="default")
    Setting.objects.create(key=KEY.name, value="5")
    assert in_force() == (5, "default", False)


def test_an_environment_that_only_the_web_has_raises_nothing(monkeypatch):
    a_scheduler(NOON, cap=2, cap_source="default")
    monkeypatch.setenv(KEY.name, "9")
    assert in_force() == (2, "default", True)


def test_of_several_schedulers_the_largest_cap_is_the_one_that_is_filled():
    a_scheduler(NOON, cap=3, cap_source="environment")
    a_scheduler(NOON, cap=6, cap_source="command line")
    a_scheduler(NOON, cap=9, cap_source="command line", executes=False)
    assert in_force() == (6, "command line", True)


def test_run_now_does_not_go_beyond_the_cap_of_the_scheduler():
    now = clock.now()
    a_scheduler(now, cap=1, cap_source="command line")
    busy, other = (a_schedule(now, name=name) for name in ("Busy", "Other"))
    run_now.execute(busy, user=None, now=now)
    with pytest.raises(CapacityFull):
        run_now.execute(other, user=None, now=now)
