"""Nominal instants: every way to ask for them, where a recurrence starts and ends, and what it refuses."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.timing.cron import CronError
from schedules.timing.recurrence import Instant, Recurrence
from tests.schedules.strategies import ZONES, crons, moments

MICROSECOND = timedelta(microseconds=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@st.composite
def recurrences(draw: st.DrawFn) -> Recurrence:
    zone, anchor = draw(st.sampled_from(ZONES)), draw(moments())
    bounds = draw(st.sampled_from([(None, None), (anchor, None), (None, anchor + timedelta(days=9))]))
    common: dict[str, Any] = {"timezone": zone, "starts_at": bounds[0], "ends_at": bounds[1]}
    if draw(st.booleans()):
        return Recurrence(cron=draw(crons()).expression, **common)
    fraction = timedelta(microseconds=draw(st.integers(0, 999_999)))
    if draw(st.booleans()):
        return Recurrence(every_sec=draw(st.integers(60, 9 * 86_400)), anchor=anchor + fraction, **common)
    return Recurrence(at=anchor + fraction, **common)


@given(recurrences(), moments())
def test_one_after_the_other_is_the_same_as_all_at_once(recurrence: Recurrence, moment: datetime):
    instants = recurrence.between(moment, moment + timedelta(days=3), limit=60)
    after = moment
    for instant in instants:
        assert recurrence.next_after(after) == instant
        assert after < instant.at
        after = instant.at
    if len(instants) < 60:
        following = recurrence.next_after(after)
        assert following is None or following.at > moment + timedelta(days=3)


@given(recurrences(), moments(), st.integers(1, 30))
def test_every_way_to_ask_gives_the_same_instants(recurrence: Recurrence, moment: datetime, keep: int):
    until = moment + timedelta(days=3)
    instants = recurrence.between(moment, until)
    assert recurrence.newest(moment, until, keep) == (instants[-keep:], len(instants))
    assert recurrence.upcoming(moment, len(instants)) == instants
    assert recurrence.between(moment, until, limit=keep) == instants[:keep]
    assert recurrence.stamps(moment, until) == [int(instant.at.timestamp()) for instant in instants]


@given(recurrences(), moments(), moments())
def test_a_stretch_is_its_two_parts_with_nothing_lost_or_doubled(recurrence: Recurrence, one, other):
    start, middle = one, one + timedelta(seconds=abs((other - one).total_seconds()) % 200_000)
    end = middle + timedelta(hours=30)
    parts = recurrence.between(start, middle) + recurrence.between(middle, end)
    assert parts == recurrence.between(start, end)


@given(recurrences(), moments())
def test_nothing_comes_before_the_start_or_after_the_end(recurrence: Recurrence, moment: datetime):
    for instant in recurrence.upcoming(moment, 5):
        assert recurrence.starts_at is None or instant.at >= recurrence.starts_at
        assert recurrence.ends_at is None or instant.at <= recurrence.ends_at


def test_start_and_end_are_inclusive():
    nine, eleven = utc("2026-11-22T09"), utc("2026-11-22T11")
    recurrence = Recurrence(cron="0 * * * *", starts_at=nine, ends_at=eleven)
    shown = [instant.at for instant in recurrence.upcoming(utc("2020-01-01"), 9)]
    assert shown == [nine, utc("2026-11-22T10"), eleven]
    assert recurrence.next_after(eleven) is None


def test_an_interval_counts_from_its_anchor_and_not_from_midnight():
    anchor = utc("2026-11-22T10:07:11.25")
    recurrence = Recurrence(every_sec=2700, anchor=anchor)
    hour = [instant.at - anchor for instant in recurrence.between(anchor, anchor + timedelta(hours=3))]
    assert hour == [timedelta(minutes=45 * k) for k in (1, 2, 3, 4)]
    assert recurrence.next_after(anchor - timedelta(days=1)) == Instant(anchor + timedelta(minutes=45))


def test_an_interval_of_a_week_is_seven_days_across_the_months():
    recurrence = Recurrence(every_sec=604_800, anchor=utc("2026-01-29T08"))
    days = [instant.at.day for instant in recurrence.upcoming(utc("2026-01-29T08"), 4)]
    assert days == [5, 12, 19, 26]


def test_an_interval_without_an_anchor_keeps_one_phase():
    assert Recurrence(every_sec=3600).next_after(utc("2026-11-22T10:07")) == Instant(utc("2026-11-22T11"))


def test_one_moment_comes_once_to_the_microsecond():
    at = utc("2026-11-22T10:07:11.000250")
    recurrence = Recurrence(at=at, timezone="Asia/Tokyo")
    assert recurrence.next_after(at - MICROSECOND) == Instant(at)
    assert recurrence.next_after(at) is None
    assert recurrence.period(at) is None


def test_a_moment_told_in_another_zone_is_answered_in_utc():
    nine = datetime(2026, 11, 22, 9, tzinfo=ZoneInfo("America/New_York"))
    assert Recurrence(at=nine).next_after(nine - MICROSECOND) == Instant(utc("2026-11-22T14"))


@pytest.mark.parametrize(
    ("recurrence", "at", "period"),
    [
        (Recurrence(cron="*/15 * * * *"), "2026-11-22T10:14:59", timedelta(minutes=15)),
        (Recurrence(cron="0 9 * * *"), "2026-11-22T09:00", timedelta(days=1)),
        (Recurrence(cron="0 9 * * *"), "2026-11-22T08:59:59", timedelta(days=1)),
        (Recurrence(cron="0 9,10 * * *"), "2026-11-22T09:00", timedelta(hours=1)),
        (Recurrence(cron="0 9,10 * * *"), "2026-11-22T10:00", timedelta(hours=23)),
        (Recurrence(every_sec=2700), "2026-11-22T10:00", timedelta(minutes=45)),
        (Recurrence(cron="0 9 * * *", ends_at=utc("2020-01-01")), "2026-11-22", timedelta(days=1)),
        (Recurrence(cron="0 9 * * *", starts_at=utc("2030-01-01")), "2026-11-22", timedelta(days=1)),
    ],
)
def test_the_period_is_the_rhythm_and_not_the_time_to_the_next_instant(recurrence, at, period):
    assert recurrence.period(utc(at)) == period


@pytest.mark.parametrize(
    "nonsense",
    [
        {},
        {"cron": "0 9 * * *", "every_sec": 60},
        {"cron": "0 9 * * *", "at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"every_sec": 0},
        {"every_sec": -60},
        {"at": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"every_sec": 60, "anchor": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"cron": "0 9 * * *", "starts_at": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"cron": "0 9 * * *", "ends_at": datetime(2026, 1, 1)},  # noqa: DTZ001
    ],
)
def test_a_recurrence_says_when_in_one_way_and_in_aware_moments(nonsense):
    with pytest.raises(ValueError):
        Recurrence(**nonsense)


def test_a_recurrence_refuses_bad_cron_when_it_is_made():
    with pytest.raises(CronError, match="never fires"):
        Recurrence(cron="0 0 31 2 *")


@pytest.mark.parametrize("year", [1, 2, 1899, 9998, 9999])
def test_the_ends_of_the_calendar_are_no_trouble(year):
    edge = datetime(year, 12, 31, 23, 59, tzinfo=UTC)
    for recurrence in (Recurrence(cron="0 9 * * *", timezone="Asia/Tokyo"), Recurrence(every_sec=60)):
        assert len(recurrence.upcoming(edge, 2)) <= 2
