"""A schedule that makes somebody wait too long for a slot is warned of, in real numbers, and only such."""

from datetime import timedelta
from typing import Any

import pytest

from agents.models import Project
from schedules.forecast import collisions
from schedules.models import Pool, Schedule, Setting
from schedules.states import OverlapPolicy, ScheduleKind
from schedules.transitions import pause
from tests.support.builders import NOON, a_profile, a_schedule

pytestmark = pytest.mark.django_db
MINUTE = 60_000  # milliseconds


@pytest.fixture(autouse=True)
def one_slot(db: None) -> None:
    Setting.objects.create(key="SCHEDULE_MAX_CONCURRENT", value="1")


def that_takes(name: str, minutes: float | None = 20, **changes: Any) -> Schedule:
    """Make a schedule that usually takes so long; None where it never ran."""
    schedule = a_schedule(name=name, **changes)
    took = None if minutes is None else minutes * MINUTE
    Schedule.objects.filter(pk=schedule.pk).update(avg_duration_ms=took, avg_turns_per_firing=minutes)
    schedule.refresh_from_db()
    return schedule


def met(schedule: Schedule) -> list[str]:
    return [name for warning in collisions.check(schedule, NOON) for name in warning["overlapping_schedules"]]


def test_five_schedules_of_the_default_limit_at_the_full_hour_are_warned_of_with_a_cap_of_two() -> None:
    Setting.objects.update(value="2")
    warned = []
    for number in range(1, 6):
        schedule = a_schedule(name=f"Hourly {number}", cron="0 * * * *")
        warned.append([one["estimated_wait_sec"] for one in collisions.check(schedule, NOON)])
    assert warned == [[], [], [1200], [1200], [2400]]


def test_it_says_who_waits_when_how_long_and_which_minute_is_free() -> None:
    that_takes("Other", cron="0 9 * * *")
    (warning,) = collisions.check(that_takes("Mine", cron="5 9 * * *"), NOON)
    assert warning == {
        "type": "cron_collision",
        "message": "At 09:05, “Mine” would wait about 15 min for the only slot: 2 runs come together.",
        "overlapping_schedules": ["Other"],
        "overlapping_schedule_ids": [str(Schedule.objects.get(name="Other").pk)],
        "overlapping_minutes": ["09:05"],
        "estimated_concurrent_steps": 40,
        "estimated_wait_sec": 900,
        "suggestion": "15 minutes later, next at 09:20, nobody would wait.",
    }
    assert "At 09:05, “Mine” would wait about 15 min" in collisions.warning_text(warning)


def test_somebody_else_who_would_wait_is_named() -> None:
    that_takes("Often", 1, cron="*/10 * * * *")
    (warning,) = collisions.check(that_takes("Mine", 5, cron="8 9 * * *"), NOON)
    assert warning["message"].startswith("At 09:10, “Often” would wait about 3 min")
    assert warning["overlapping_schedules"] == ["Often"]


@pytest.mark.parametrize(("minute", "warned"), [(9, False), (8, True)])
def test_a_tenth_of_the_period_of_who_waits_is_short_enough(minute: int, warned: bool) -> None:
    that_takes("Often", 0.1, cron="*/10 * * * *")  # may wait for a minute
    assert bool(met(that_takes("Mine", 2 if minute == 9 else 4, cron=f"{minute} 9 * * *"))) is warned


@pytest.mark.parametrize(("minutes", "warned"), [(4.9, False), (5.1, True)])
def test_five_minutes_are_too_long_for_everybody(minutes: float, warned: bool) -> None:
    that_takes("Other", minutes, cron="0 9 * * *")
    assert bool(met(that_takes("Mine", 1, cron="0 9 * * *"))) is warned


def test_neither_the_same_minute_of_another_hour_nor_room_is_a_collision() -> None:
    that_takes("Other", cron="0 15 * * *")
    assert met(that_takes("Mine", cron="0 9 * * *")) == []
    Setting.objects.update(value="2")
    assert met(that_takes("Beside", cron="0 15 * * *")) == []


def test_who_waits_already_without_it_is_not_its_fault() -> None:
    that_takes("One", cron="0 9 * * *")
    that_takes("Two", cron="0 9 * * *")
    assert met(that_takes("Mine", 1, cron="30 10 * * *")) == []


def test_a_long_run_reaches_into_the_next_hours() -> None:
    that_takes("Long", 200, cron="0 6 * * *", max_run_duration_sec=20_000)
    assert met(that_takes("Mine", cron="0 9 * * *")) == ["Long"]


def test_alone_it_collides_with_nobody_and_not_with_itself() -> None:
    assert met(that_takes("Mine", 600, cron="0 9 * * *")) == []
    queued = that_takes("Queued", 7, cron="*/5 * * * *", overlap_policy=OverlapPolicy.QUEUE_ONE)
    Schedule.objects.filter(name="Mine").delete()
    that_takes("Far", 1, cron="0 9 25 12 *")
    assert met(queued) == []


def test_zones_are_compared_as_instants() -> None:
    that_takes("Berlin", cron="0 10 * * *", timezone="Europe/Berlin")
    (warning,) = collisions.check(that_takes("London", cron="0 9 * * *", timezone="Europe/London"), NOON)
    assert warning["overlapping_minutes"] == ["09:00"]


def test_paused_schedules_are_ignored_and_other_projects_share_the_cap() -> None:
    one, two = Project.objects.create(name="One", slug="one"), Project.objects.create(name="Two", slug="two")
    pause(that_takes("Paused", cron="0 9 * * *", project=one).pk, now=NOON)
    mine = that_takes("Mine", cron="0 9 * * *", project=one)
    assert met(mine) == []
    that_takes("Elsewhere", cron="0 9 * * *", project=two)
    assert met(mine) == ["Elsewhere"]


def test_a_pool_is_waited_for_where_the_cap_has_room() -> None:
    Setting.objects.update(value="5")
    pool = Pool.objects.create(name="heavy", size=1)
    that_takes("Other", cron="0 9 * * *", pool=pool)
    (warning,) = collisions.check(that_takes("Mine", cron="0 9 * * *", pool=pool), NOON)
    assert "would wait about 20 min for a slot of the pool heavy" in warning["message"]
    assert warning["suggestion"].startswith("20 minutes earlier")
    assert met(that_takes("Beside", cron="0 9 * * *")) == []


def test_without_a_history_a_run_takes_its_time_limit_but_not_longer_than_its_period() -> None:
    that_takes("Other", None, cron="0 9 * * *", max_run_duration_sec=900)
    (warning,) = collisions.check(that_takes("Mine", 1, cron="0 9 * * *"), NOON)
    assert warning["estimated_wait_sec"] == 900
    Schedule.objects.all().delete()
    that_takes("Often", None, cron="*/5 * * * *")
    (warning,) = collisions.check(that_takes("Mine", 1, cron="0 9 * * *"), NOON)
    assert warning["estimated_wait_sec"] <= 300


def test_quiet_hours_and_used_up_firings_are_no_firings() -> None:
    hours = {"active_from": "20:00", "active_until": "22:00", "kind": ScheduleKind.HEARTBEAT}
    that_takes("Evenings", cron="0 * * * *", **hours)
    that_takes("Twice more", cron="30 * * * *", max_firings=2)
    (warning,) = collisions.check(that_takes("Mine", 1, cron="*/30 * * * *"), NOON)
    assert warning["overlapping_minutes"] == ["12:30", "13:30", "20:00", "21:00"]


def test_a_schedule_of_an_unknown_zone_harms_no_other() -> None:
    Schedule.objects.filter(pk=that_takes("Lost", cron="0 9 * * *").pk).update(timezone="Mars/Olympus")
    assert met(that_takes("Mine", cron="0 9 * * *")) == []


def test_an_unsaved_schedule_can_be_checked() -> None:
    that_takes("Other", cron="0 9 * * *")
    mine = Schedule(name="New", cron="0 9 * * *", profile=a_profile())
    assert met(mine) == ["Other"]


def test_an_edit_is_checked_as_it_is_now_not_as_it_was() -> None:
    that_takes("Other", cron="0 9 * * *")
    mine = that_takes("Mine", cron="0 9 * * *")
    mine.cron = "0 12 * * *"
    assert met(mine) == []


def test_moved_as_suggested_nobody_waits_and_where_no_minute_is_free_it_says_so() -> None:
    for minute in range(0, 60, 20):
        that_takes(f"At {minute}", cron=f"{minute} 9 * * *")
    mine = that_takes("Mine", cron="30 9 * * *")
    (warning,) = collisions.check(mine, NOON)
    assert warning["suggestion"] == "30 minutes later, next at 10:00, nobody would wait."
    mine.cron = "0 10 * * *"
    assert met(mine) == []
    that_takes("The whole day", 1400, cron="0 13 * * *", max_run_duration_sec=86_400)
    mine.cron = "30 16 * * *"
    (warning,) = collisions.check(mine, NOON)
    assert warning["suggestion"].startswith("No minute within the hour around it is free")


def test_what_fires_later_than_tomorrow_is_not_in_sight() -> None:
    that_takes("Other", cron="0 9 25 12 *")
    assert met(that_takes("Mine", at=NOON + timedelta(days=31, hours=-3))) == []
