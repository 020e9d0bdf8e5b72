"""Schedules that come due together are warned of, and only those."""

from datetime import timedelta
from typing import Any

import pytest

from agents.models import Project
from schedules import collisions
from schedules.models import Schedule
from schedules.states import ScheduleKind
from schedules.transitions import pause
from tests.support.builders import NOON, a_profile, a_schedule

pytestmark = pytest.mark.django_db


def heavy(name: str, steps: float | None = 1600, **changes: Any) -> Schedule:
    schedule = a_schedule(name=name, **changes)
    Schedule.objects.filter(pk=schedule.pk).update(avg_turns_per_firing=steps)
    schedule.refresh_from_db()
    return schedule


def met(schedule: Schedule) -> list[str]:
    return [name for warning in collisions.check(schedule, NOON) for name in warning["overlapping_schedules"]]


def test_two_heavy_schedules_of_one_minute_collide() -> None:
    heavy("Other", cron="0 9 * * *")
    (warning,) = collisions.check(heavy("Mine", cron="0 9 * * *"), NOON)
    assert warning == {
        "type": "cron_collision",
        "overlapping_schedules": ["Other"],
        "overlapping_schedule_ids": [str(Schedule.objects.get(name="Other").pk)],
        "overlapping_minutes": ["09:00"],
        "estimated_concurrent_steps": 3200,
        "suggestion": "5 minutes earlier (the next one at 08:55) it would stay below 3,000 steps.",
    }


def test_the_same_minute_of_another_hour_is_no_collision() -> None:
    heavy("Other", cron="0 15 * * *")
    assert met(heavy("Mine", cron="0 9 * * *")) == []


def test_neighbours_across_a_five_minute_mark_collide_and_those_five_minutes_apart_do_not() -> None:
    heavy("Four", cron="4 9 * * *")
    assert met(heavy("Five", cron="5 9 * * *")) == ["Four"]
    assert met(heavy("Nine", cron="9 9 * * *", steps=10)) == []


def test_light_schedules_do_not_collide() -> None:
    heavy("Other", cron="0 9 * * *", steps=100)
    assert met(heavy("Mine", cron="0 9 * * *")) == []


def test_a_heavy_schedule_alone_collides_with_nobody() -> None:
    assert met(heavy("Mine", cron="0 9 * * *", steps=9000)) == []


def test_schedules_of_different_windows_are_not_added_up() -> None:
    heavy("Early", cron="0 9 * * *", steps=1000)
    heavy("Late", cron="7 9 * * *", steps=1000)
    assert met(heavy("Mine", cron="4 9 * * *", steps=1200)) == []


def test_a_schedule_is_not_its_own_neighbour_and_counts_once_in_a_window() -> None:
    mine = heavy("Mine", cron="* * * * *", steps=1600)
    assert met(mine) == []
    heavy("Other", cron="* * * * *", steps=1300)
    assert met(mine) == []


def test_zones_are_compared_as_instants() -> None:
    heavy("Berlin", cron="0 10 * * *", timezone="Europe/Berlin")
    (warning,) = collisions.check(heavy("London", cron="0 9 * * *", timezone="Europe/London"), NOON)
    assert warning["overlapping_minutes"] == ["09:00"]


def test_paused_schedules_and_other_projects_are_ignored() -> None:
    one, two = Project.objects.create(name="One", slug="one"), Project.objects.create(name="Two", slug="two")
    pause(heavy("Paused", cron="0 9 * * *", project=one).pk, now=NOON)
    heavy("Elsewhere", cron="0 9 * * *", project=two)
    assert met(heavy("Mine", cron="0 9 * * *", project=one)) == []


def test_without_a_project_all_are_looked_at() -> None:
    one = Project.objects.create(name="One", slug="one")
    heavy("Elsewhere", cron="0 9 * * *", project=one)
    assert met(heavy("Mine", cron="0 9 * * *")) == ["Elsewhere"]


def test_a_schedule_without_history_weighs_what_its_profile_usually_takes() -> None:
    profile = a_profile("researcher")
    heavy("Elder", cron="0 3 * * *", profile=profile, steps=1600)
    heavy("Other", cron="0 9 * * *")
    assert met(heavy("New", cron="0 9 * * *", profile=profile, steps=None)) == ["Other"]


def test_but_not_more_than_its_own_limit_lets_it_take() -> None:
    heavy("Other", cron="0 9 * * *", steps=2900)
    new = heavy("New", cron="0 9 * * *", steps=None, max_turns=99)
    assert met(new) == []
    new.max_turns = 100
    assert met(new) == ["Other"]


def test_quiet_hours_and_used_up_firings_are_no_firings() -> None:
    hours = {"active_from": "20:00", "active_until": "22:00", "kind": ScheduleKind.HEARTBEAT}
    heavy("Evenings", cron="0 * * * *", **hours)
    heavy("Twice more", cron="30 * * * *", max_firings=2)
    (warning,) = collisions.check(heavy("Mine", cron="*/30 * * * *"), NOON)
    assert warning["overlapping_minutes"] == ["12:30", "13:30", "20:00", "21:00"]


def test_a_schedule_of_an_unknown_zone_harms_no_other() -> None:
    Schedule.objects.filter(pk=heavy("Lost", cron="0 9 * * *").pk).update(timezone="Mars/Olympus")
    assert met(heavy("Mine", cron="0 9 * * *")) == []


def test_an_unsaved_schedule_can_be_checked() -> None:
    heavy("Other", cron="0 9 * * *", steps=2990)
    mine = Schedule(name="New", cron="0 9 * * *", profile=a_profile(), max_turns=10)
    assert met(mine) == ["Other"]


def test_an_edit_is_checked_as_it_is_now_not_as_it_was() -> None:
    heavy("Other", cron="0 9 * * *")
    mine = heavy("Mine", cron="0 9 * * *")
    mine.cron = "0 12 * * *"
    assert met(mine) == []


def test_the_suggestion_leads_out_of_the_crowd() -> None:
    for minute in range(0, 60, 5):
        heavy(f"At {minute}", cron=f"{minute} 9 * * *")
    (warning,) = collisions.check(heavy("Mine", cron="30 9 * * *"), NOON)
    assert warning["suggestion"].startswith("30 minutes later (the next one at 10:00)")
    for minute in range(0, 60, 5):
        heavy(f"Before {minute}", cron=f"{minute} 8 * * *")
        heavy(f"After {minute}", cron=f"{minute} 10 * * *")
    (warning,) = collisions.check(heavy("Boxed in", cron="30 9 * * *"), NOON)
    assert warning["suggestion"].startswith("No time within the hour")


def test_what_fires_later_than_tomorrow_is_not_in_sight() -> None:
    heavy("Other", cron="0 9 25 12 *")
    assert met(heavy("Mine", at=NOON + timedelta(days=31, hours=-3))) == []
