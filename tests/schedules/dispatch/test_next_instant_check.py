"""A next instant that the rhythm does not explain is corrected; nothing from the future is believed."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from schedules.dispatch import next_instant_check
from schedules.dispatch.next_instant_check import NextCheck
from schedules.dispatch.tick import tick
from schedules.models import Firing, Notice, Schedule
from schedules.services import schedule_writer
from schedules.states import MisfirePolicy, Outcome, ScheduleStatus
from schedules.transitions import pause, resume
from schedules.transitions.schedules.next_instant import is_consistent
from stagent.ops import health
from stagent.ops.doctor import checks
from tests.support.builders import NOON, a_schedule, the_situation

pytestmark = pytest.mark.django_db
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def tick_at(moment: datetime) -> int:
    return tick(the_situation(moment))


def check_at(moment: datetime) -> int:
    with time_machine.travel(moment, tick=False):
        return NextCheck().step(moment)


def again(schedule: Schedule) -> Schedule:
    schedule.refresh_from_db()
    return schedule


@pytest.mark.parametrize("by", [11 * MINUTE, DAY, 30 * DAY])
@pytest.mark.parametrize("policy", list(MisfirePolicy))
def test_after_a_clock_that_was_ahead_every_instant_fires_once(by: timedelta, policy: str) -> None:
    schedule = a_schedule(interval="every 5m", misfire_policy=policy, overlap_policy="allow")
    tick_at(NOON + 5 * MINUTE)
    tick_at(NOON + 6 * MINUTE + by)
    check_at(NOON + 7 * MINUTE)
    fired_early = set(
        Firing.objects.filter(fired_at__gt=NOON + 6 * MINUTE).values_list("nominal_at", flat=True)
    )
    for minute in range(7, 40):
        tick_at(NOON + minute * MINUTE)
    for step in range(1, 8):
        firing = Firing.objects.get(nominal_at=NOON + 5 * step * MINUTE)
        assert (firing.outcome, firing.count) == (Outcome.FIRED, 1)
        if firing.nominal_at not in fired_early:
            assert firing.fired_at == firing.nominal_at
    assert again(schedule).next_nominal_at == NOON + 40 * MINUTE


@pytest.mark.parametrize("policy", list(MisfirePolicy))
def test_an_instant_that_came_due_while_the_clock_was_ahead_is_recorded(policy: str) -> None:
    schedule = a_schedule(interval="every 1m", misfire_policy=policy, overlap_policy="allow")
    tick_at(NOON + 30 * DAY)  # nothing has fired before
    check_at(NOON + MINUTE + timedelta(seconds=9))
    for step in range(9, 180, 5):
        tick_at(NOON + MINUTE + timedelta(seconds=step))
    for minute in (1, 2, 3):
        firing = Firing.objects.get(nominal_at=NOON + minute * MINUTE)
        assert (firing.outcome, firing.count) == (Outcome.FIRED, 1)
    assert again(schedule).next_nominal_at == NOON + 4 * MINUTE


def test_what_was_corrected_is_told_once_and_named() -> None:
    schedule = a_schedule(interval="every 5m", name="Nightly")
    tick_at(NOON + 30 * DAY)
    assert check_at(NOON + MINUTE) == 1
    notice = Notice.objects.get()
    assert notice.kind == Notice.Kind.NEXT_FIRING
    assert (
        f"“Nightly” (schedule {schedule.pk}) from 2026-12-24 12:05 UTC to 2026-11-24 12:05 UTC" in notice.text
    )
    assert check_at(NOON + MINUTE) == 0


@pytest.mark.parametrize(
    "mend",
    [
        lambda schedule, now: schedule_writer.save(schedule, {"jitter_sec": 1}, now=now),
        lambda schedule, now: schedule_writer.save(schedule, {"prompt": "Other."}, now=now),
        lambda schedule, now: pause(schedule.pk, now=now) and resume(schedule.pk, now=now),
    ],
    ids=["jitter", "prompt", "pause and resume"],
)
def test_any_edit_and_a_resume_mend_a_next_instant(mend: Callable[[Schedule, datetime], Any]) -> None:
    schedule = a_schedule(interval="every 5m")
    tick_at(NOON + 30 * DAY)
    mend(again(schedule), NOON + MINUTE)
    assert again(schedule).next_nominal_at == NOON + 5 * MINUTE


@pytest.mark.parametrize("at", [NOON + 5 * DAY, NOON + 29 * DAY - MINUTE])
def test_a_one_shot_that_a_clock_ahead_took_for_missed_lives_again(at: datetime) -> None:
    schedule = a_schedule(at=at)
    tick_at(NOON + 40 * DAY)
    assert again(schedule).status == ScheduleStatus.COMPLETED
    assert check_at(NOON + MINUTE) == 1
    assert not Notice.objects.open().filter(kind=Notice.Kind.MISSED).exists()
    tick_at(at)
    assert list(Firing.objects.values_list("outcome", "nominal_at")) == [(Outcome.FIRED, at)]
    assert again(schedule).status == ScheduleStatus.COMPLETED


def test_a_schedule_that_a_clock_ahead_took_for_over_lives_again() -> None:
    schedule = a_schedule(interval="every 5m", ends_at=NOON + DAY)
    tick_at(NOON + 30 * DAY)
    assert again(schedule).status == ScheduleStatus.COMPLETED
    assert check_at(NOON + MINUTE) == 1
    assert again(schedule).next_nominal_at == NOON + 5 * MINUTE


@pytest.mark.parametrize("ticks", [False, True])
def test_a_clock_that_was_behind_makes_nothing_fire_again(ticks: bool) -> None:
    schedule = a_schedule(interval="every 5m", overlap_policy="allow")
    for step in range(1, 9):
        tick_at(NOON + 5 * step * MINUTE)
    past = NOON - 30 * DAY
    check_at(past)
    if ticks:
        tick_at(past + 6 * MINUTE)
    tick_at(NOON + 41 * MINUTE)
    check_at(NOON + 42 * MINUTE)
    tick_at(NOON + 45 * MINUTE)
    rows = Firing.objects.filter(nominal_at__gte=NOON, outcome=Outcome.FIRED).order_by("nominal_at")
    assert list(rows.values_list("nominal_at", flat=True)) == [
        NOON + 5 * step * MINUTE for step in range(1, 10)
    ]
    assert again(schedule).next_nominal_at == NOON + 50 * MINUTE


def test_zone_data_that_moves_an_instant_into_the_past_lets_it_fire_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    schedule = a_schedule(cron="0 9 * * *", timezone="America/Vancouver")
    Schedule.objects.filter(pk=schedule.pk).update(
        next_nominal_at=NOON + timedelta(hours=6), next_fire_at=NOON + timedelta(hours=6)
    )
    late = NOON + timedelta(hours=5, minutes=30)
    assert check_at(late) == 1
    tick_at(late)
    assert Firing.objects.get().nominal_at == schedule.next_nominal_at


def test_the_doctor_and_readyz_name_what_the_rhythm_does_not_explain() -> None:
    with time_machine.travel(NOON, tick=False):
        schedule = a_schedule(interval="every 5m")
        assert health.next_firings().level == health.Level.OK
        assert checks.next_firings(NOON).level == health.Level.OK
        wrong = NOON + 30 * DAY
        Schedule.objects.filter(pk=schedule.pk).update(next_nominal_at=wrong, next_fire_at=wrong)
        assert str(schedule.pk) in health.next_firings().detail
        assert schedule.name in checks.next_firings(NOON).detail
        assert next_instant_check.furthest_inconsistent(10) == [schedule]


def test_what_the_doors_and_the_tick_write_is_explained() -> None:
    rhythms: list[dict[str, Any]] = [
        {"cron": "*/7 * * * *"},
        {"interval": "every 90m"},
        {"at": NOON + timedelta(hours=1)},
        {"cron": "0 9 * * *", "timezone": "Europe/Berlin", "jitter_sec": 3600},
    ]
    schedules = [a_schedule(**rhythm) for rhythm in rhythms]
    for minutes in range(0, 3000, 111):
        now = NOON + minutes * MINUTE
        tick_at(now)
        assert all(is_consistent(again(schedule), now) for schedule in schedules)


def test_the_doctor_looks_for_a_few_seconds_at_most_and_says_how_many_it_left_out(monkeypatch) -> None:
    monkeypatch.setattr(next_instant_check, "TOGETHER", 2)
    monkeypatch.setattr(next_instant_check, "MOST_FURTHEST", 1)
    schedules = [a_schedule(name=f"Number {number}") for number in range(5)]
    Schedule.objects.filter(pk=schedules[-1].pk).update(
        next_nominal_at=NOON + 30 * DAY, next_fire_at=NOON + 30 * DAY
    )
    with time_machine.travel(NOON, tick=False):
        hurried, thorough = (
            next_instant_check.find_inconsistent(seconds=-1),
            next_instant_check.find_inconsistent(),
        )
    assert ([one.pk for one in hurried.wrong], hurried.unseen) == ([schedules[-1].pk], 3)
    assert ([one.pk for one in thorough.wrong], thorough.unseen) == ([schedules[-1].pk], 0)
