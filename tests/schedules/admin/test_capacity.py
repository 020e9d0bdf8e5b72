"""Slots, pools, schedulers, settings: how much may run at once, and what it is set to."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry

from schedules import conf
from schedules.models import Pool, Setting, Slot
from stagent.lib import clock
from tests.support.builders import a_running_run, a_schedule, a_scheduler
from tests.support.pages import Reader

pytestmark = pytest.mark.django_db
SLOTS, SETTINGS, POOLS = "/admin/schedules/slot/", "/admin/schedules/setting/", "/admin/schedules/pool/"


@pytest.fixture
def now():
    moment = clock.now()
    a_scheduler(moment)
    return moment


# Slots.


def test_a_slot_says_who_holds_it_until_when(reader, now):
    run, _ = a_running_run(a_schedule(name="Inventory"), now, holder="scheduler@here:1:abc")
    page = reader.opens(SLOTS)
    assert f"default #1 held Inventory run {run.pk}, step 0 in 59 s scheduler@here:1:abc" in page
    assert "default #2 free" in page


def test_a_slot_beyond_a_cap_that_was_lowered_says_so(reader, now, monkeypatch):
    a_running_run(now=now)
    monkeypatch.setenv("SCHEDULE_MAX_CONCURRENT", "1")
    assert "default #2 beyond pool size" in reader.opens(SLOTS)


def test_disabling_a_slot_leaves_its_run_alone(reader, now):
    run, _ = a_running_run(now=now)
    slot = Slot.objects.get(run=run)
    reader.presses(f"{SLOTS}{slot.pk}/toggle/")
    slot.refresh_from_db()
    assert (slot.enabled, slot.run) == (False, run)
    assert "held, disabled" in reader.words
    assert LogEntry.objects.get().get_change_message() == "Disabled."


def test_many_can_be_disabled_and_enabled(reader, now):
    a_running_run(now=now)
    chosen = list(Slot.objects.values_list("pk", flat=True))
    reader.presses(SLOTS, action="disable", _selected_action=chosen)
    assert not Slot.objects.filter(enabled=True).exists()
    reader.presses(SLOTS, action="enable", _selected_action=chosen)
    assert not Slot.objects.filter(enabled=False).exists()


def test_who_may_only_look_disables_nothing(client, bob, now):
    a_running_run(now=now)
    Reader(client, bob).opens(SLOTS)
    assert client.post(f"{SLOTS}{Slot.objects.first().pk}/toggle/").status_code == 403
    assert not Slot.objects.filter(enabled=False).exists()


# Pools.


def test_a_pool_is_named_once_and_sized_at_will(reader, now):
    reader.presses(f"{POOLS}add/", name="press", size="2")
    reader.presses(f"{POOLS}press/change/", name="other", size="3")
    assert list(Pool.objects.values_list("name", "size")) == [("press", 3)]


def test_a_pool_that_schedules_use_stays(reader, now):
    a_schedule(pool=Pool.objects.create(name="press"))
    reader.presses(f"{POOLS}press/delete/", post="yes")
    assert Pool.objects.exists()


# Schedulers.


def test_a_scheduler_that_vanished_is_told_from_one_that_runs(reader, now):
    a_scheduler(now - timedelta(minutes=5), host="elsewhere")
    page = reader.opens("/admin/schedules/scheduler/")
    assert "running" in page
    assert "elsewhere 1 lost" in page


# Settings.


def test_every_setting_is_there_with_its_value_and_where_it_came_from(reader, now, monkeypatch):
    monkeypatch.setenv("SCHEDULE_MAX_CONCURRENT", "5")
    Setting.objects.create(key="SCHEDULE_LEASE_TTL_SEC", value="90")
    page = reader.opens(SETTINGS)
    for key in conf.KEYS:
        assert key.name in page
    assert "5 environment" in page
    assert "90 s admin" in page
    assert "1,200 s default" in page


def test_what_the_environment_sets_beats_what_is_saved_and_says_so(reader, now, monkeypatch):
    monkeypatch.setenv("SCHEDULE_MAX_CONCURRENT", "5")
    page = reader.presses(SETTINGS, key="SCHEDULE_MAX_CONCURRENT", value="9")
    assert "Set by the environment, which overrides the saved value (9)." in page
    assert conf.load().max_concurrent == 5


def test_a_saved_value_works_at_once_and_is_in_the_log(reader, now):
    page = reader.presses(SETTINGS, key="SCHEDULE_MAX_CONCURRENT", value="7")
    assert "SCHEDULE_MAX_CONCURRENT is now 7." in page
    assert conf.load().max_concurrent == 7
    assert LogEntry.objects.get().get_change_message() == "Set to 7."


def test_a_cap_that_only_a_scheduler_knows_is_said_where_the_cap_is_set(reader, now):
    a_scheduler(now, cap=7, cap_source="command line")
    page = reader.opens(SETTINGS)
    assert "The cap in force is 7: a scheduler was started with --max-concurrent" in page
    assert "7 command line" in reader.opens("/admin/schedules/scheduler/")
    assert "of 7, the cap by a scheduler’s command line" in reader.opens("/admin/board/")


def test_clearing_goes_back_to_the_default(reader, now):
    Setting.objects.create(key="SCHEDULE_MAX_CONCURRENT", value="7")
    reader.presses(SETTINGS, key="SCHEDULE_MAX_CONCURRENT", value="7", clear="1")
    assert conf.load().max_concurrent == 2
    assert LogEntry.objects.get().get_change_message() == "Cleared; it was 7."


@pytest.mark.parametrize("typed", ["abc", "0", "-1", "1001", "2.5", "", "١٢", "9" * 40])
def test_a_value_out_of_range_is_refused_beside_its_field(reader, now, typed):
    page = reader.presses(SETTINGS, key="SCHEDULE_MAX_CONCURRENT", value=typed)
    assert reader.answer.status_code == 200  # as every form of the console that is shown again
    assert "is not a whole number from 1 to 1,000; nothing was changed." in page
    assert not Setting.objects.exists()


def test_a_bad_value_in_the_environment_is_named(reader, now, monkeypatch):
    monkeypatch.setenv("SCHEDULE_MAX_CONCURRENT", "many")
    page = reader.opens(SETTINGS)
    assert "Invalid value ignored: environment: 'many'." in page
    assert "2 default" in page


def test_an_unknown_setting_cannot_be_saved(reader, now):
    reader.presses(SETTINGS, key="SECRET_KEY", value="1")
    assert reader.answer.status_code == 403
    assert not Setting.objects.exists()


def test_settings_are_not_for_everybody(client, bob, now):
    theirs = Reader(client, bob)
    theirs.opens(SETTINGS)
    assert theirs.answer.status_code == 403
    theirs.presses(SETTINGS, key="SCHEDULE_MAX_CONCURRENT", value="9")
    assert not Setting.objects.exists()
