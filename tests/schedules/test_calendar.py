"""Nominal instants: where clocks change, where a recurrence starts and ends, and what it refuses."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.calendar import Instant, Recurrence
from schedules.cron import Cron, CronError
from schedules.zones import pieces
from tests.schedules.strategies import ZONES, crons, moments

MICROSECOND = timedelta(microseconds=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def told(recurrence: Recurrence, after: str, until: str) -> list[str]:
    """Tell the instants as the zone's own clock shows them, `>` before those shifted out of a gap."""
    zone = ZoneInfo(recurrence.timezone)
    instants = recurrence.between(utc(after) - MICROSECOND, utc(until))
    return [f"{'>' * one.dst_shifted}{one.at.astimezone(zone):%d %H:%M%z}" for one in instants]


# The expression, its zone, from and until in UTC, and what the wall clock shows when it fires.
NIGHTS = [
    # Spring in Paris: 29 March 2026, 02:00 becomes 03:00.
    ("30 1 * * *", "Europe/Paris", "2026-03-28T12", "2026-03-29T12", ["29 01:30+0100"]),
    ("30 2 * * *", "Europe/Paris", "2026-03-28T12", "2026-03-30T12", [">29 03:00+0200", "30 02:30+0200"]),
    ("*/15 2 * * *", "Europe/Paris", "2026-03-28T12", "2026-03-29T12", [">29 03:00+0200"]),
    ("0 2,3 * * *", "Europe/Paris", "2026-03-28T12", "2026-03-29T12", ["29 03:00+0200"]),
    ("0,30 2-3 * * *", "Europe/Paris", "2026-03-28T12", "2026-03-29T12", ["29 03:00+0200", "29 03:30+0200"]),
    ("30 2-4 * * *", "Europe/Paris", "2026-03-28T12", "2026-03-29T12",
     [">29 03:00+0200", "29 03:30+0200", "29 04:30+0200"]),
    ("0 */2 * * *", "Europe/Paris", "2026-03-28T22:30", "2026-03-29T02",
     ["29 00:00+0100", ">29 03:00+0200", "29 04:00+0200"]),
    ("30 * * * *", "Europe/Paris", "2026-03-28T23:30", "2026-03-29T02",
     ["29 00:30+0100", "29 01:30+0100", "29 03:30+0200"]),
    ("*/30 * * * *", "Europe/Paris", "2026-03-29T00:15", "2026-03-29T01:45",
     ["29 01:30+0100", "29 03:00+0200", "29 03:30+0200"]),
    ("30 2 29 3 *", "Europe/Paris", "2026-01-01", "2026-12-31", [">29 03:00+0200"]),
    ("30 2 30 3 *", "Europe/Paris", "2026-01-01", "2026-12-31", ["30 02:30+0200"]),
    # Autumn in Paris: 25 October 2026, 03:00 becomes 02:00.
    ("30 2 * * *", "Europe/Paris", "2026-10-24T12", "2026-10-26T12", ["25 02:30+0200", "26 02:30+0100"]),
    ("0 3 * * *", "Europe/Paris", "2026-10-24T12", "2026-10-25T12", ["25 03:00+0100"]),
    ("*/30 2 * * *", "Europe/Paris", "2026-10-24T12", "2026-10-25T12", ["25 02:00+0200", "25 02:30+0200"]),
    ("0 */2 * * *", "Europe/Paris", "2026-10-24T22", "2026-10-25T03",
     ["25 00:00+0200", "25 02:00+0200", "25 04:00+0100"]),
    ("30 * * * *", "Europe/Paris", "2026-10-25T00", "2026-10-25T03",
     ["25 02:30+0200", "25 02:30+0100", "25 03:30+0100"]),
    ("0 0-23 * * *", "Europe/Paris", "2026-10-25T00", "2026-10-25T02",
     ["25 02:00+0200", "25 02:00+0100", "25 03:00+0100"]),
    # Clocks that change at midnight: 8 March 2026 has no 00:00 in Havana, 1 November has two 00:30.
    ("0 0 * * *", "America/Havana", "2026-03-07T12", "2026-03-09T12", [">08 01:00-0400", "09 00:00-0400"]),
    ("0 0 8 3 *", "America/Havana", "2026-01-01", "2026-12-31", [">08 01:00-0400"]),
    ("30 0 * * *", "America/Havana", "2026-10-31T12", "2026-11-01T12", ["01 00:30-0400"]),
    # Beirut went from 00:00 back to 23:00 of the day before.
    ("30 23 * * *", "Asia/Beirut", "2026-10-24T12", "2026-10-25T12", ["24 23:30+0300"]),
    ("30 * * * *", "Asia/Beirut", "2026-10-24T20", "2026-10-24T23",
     ["24 23:30+0300", "24 23:30+0200", "25 00:30+0200"]),
    # St John's at 00:01, so that two dates overlap.
    ("0 0 * * *", "America/St_Johns", "2010-11-06T12", "2010-11-07T12", ["07 00:00-0230"]),
    ("30 23 * * *", "America/St_Johns", "2010-11-06T12", "2010-11-07T12", ["06 23:30-0230"]),
    ("0,30 * * * *", "America/St_Johns", "2010-11-07T01:45", "2010-11-07T03:45",
     ["06 23:30-0230", "07 00:00-0230", "06 23:30-0330", "07 00:00-0330"]),
    # Lord Howe by half an hour: 02:00 becomes 02:30, and 02:00 becomes 01:30.
    ("30 * * * *", "Australia/Lord_Howe", "2026-10-03T14", "2026-10-03T17",
     ["04 00:30+1030", "04 01:30+1030", "04 02:30+1100", "04 03:30+1100"]),
    ("0 * * * *", "Australia/Lord_Howe", "2026-10-03T14", "2026-10-03T17",
     ["04 01:00+1030", "04 03:00+1100", "04 04:00+1100"]),
    ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12", "2026-10-04T12", [">04 02:30+1100"]),
    ("30 2 * * *", "Australia/Lord_Howe", "2026-10-03T12", "2026-10-04T12", ["04 02:30+1100"]),
    ("30 * * * *", "Australia/Lord_Howe", "2026-04-04T14", "2026-04-04T17",
     ["05 01:30+1100", "05 01:30+1030", "05 02:30+1030", "05 03:30+1030"]),
    ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12", "2026-04-05T12", ["05 01:45+1100"]),
    # Troll by two hours: 01:00 becomes 03:00.
    ("0 1,2 * * *", "Antarctica/Troll", "2026-03-28T12", "2026-03-29T12", [">29 03:00+0200"]),
    # Apia had no 30 December 2011, Kwajalein no 21 August 1993.
    ("0 9 * * *", "Pacific/Apia", "2011-12-29T18", "2011-12-31T20",
     ["29 09:00-1000", ">31 00:00+1400", "31 09:00+1400", "01 09:00+1400"]),
    ("0 0 * * *", "Pacific/Apia", "2011-12-29T09", "2011-12-30T12", ["29 00:00-1000", "31 00:00+1400"]),
    ("0 9 30 12 *", "Pacific/Apia", "2011-12-01", "2012-01-31", [">31 00:00+1400"]),
    ("0 12 * * *", "Pacific/Kwajalein", "1993-08-20T12", "1993-08-22T12",
     ["20 12:00-1200", ">22 00:00+1200", "22 12:00+1200"]),
    ("0 */12 * * *", "Pacific/Kwajalein", "1993-08-20T13", "1993-08-22T11",
     ["20 12:00-1200", "22 00:00+1200", "22 12:00+1200"]),
    ("0 * 21 8 *", "Pacific/Kwajalein", "1993-08-01", "1993-08-31", []),
]  # fmt: skip


@pytest.mark.parametrize(("cron", "zone", "after", "until", "shown"), NIGHTS)
def test_where_clocks_change(cron, zone, after, until, shown):
    assert told(Recurrence(cron=cron, timezone=zone), after, until) == shown


def fold_by_fold(cron: Cron, zone: ZoneInfo, first: datetime, last: datetime) -> list[Instant]:
    """Say the rules again, slowly, minute by minute, with zoneinfo's folds instead of pieces of offset."""
    real, shifted = set(), set()
    wall = cron.next_wall(first.replace(tzinfo=None) - timedelta(days=2))
    while wall and wall <= last.replace(tzinfo=None) + timedelta(days=2):
        for fold in (0, 1):
            local = wall.replace(tzinfo=zone, fold=fold)
            exists = local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == wall
            if exists and (cron.hour_is_wildcard or not fold):
                real.add(local.astimezone(UTC))
            elif not exists and not cron.hour_is_wildcard:
                shifted.add(end_of_gap(wall, zone))
        wall = cron.next_wall(wall)
    instants = {at: Instant(at, dst_shifted=at not in real) for at in real | shifted}
    return [instants[at] for at in sorted(instants) if first < at <= last]


def end_of_gap(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant after the gap that a wall-clock time falls into."""
    before, after = (wall.replace(tzinfo=zone, fold=fold) for fold in (1, 0))
    low, high = before.astimezone(UTC), after.astimezone(UTC)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        changed = middle.astimezone(zone).utcoffset() == high.astimezone(zone).utcoffset()
        low, high = (low, middle) if changed else (middle, high)
    return high.replace(microsecond=0)


@given(crons(), st.sampled_from(ZONES), moments())
def test_the_instants_are_those_of_the_rules_told_slowly(cron: Cron, zone: str, moment: datetime):
    until = moment + timedelta(hours=40)
    instants = Recurrence(cron=cron.expression, timezone=zone).between(moment, until)
    assert instants == fold_by_fold(cron, ZoneInfo(zone), moment, until)


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


@given(
    crons().filter(lambda cron: not cron.hour_is_wildcard), st.sampled_from(ZONES), st.integers(2010, 2029)
)
def test_a_gap_shifts_one_firing_at_most(cron: Cron, zone: str, year: int):
    start, recurrence = datetime(year, 1, 1, tzinfo=UTC), Recurrence(cron=cron.expression, timezone=zone)
    instants = recurrence.between(start, start + timedelta(days=366), limit=600_000)
    shifted = [instant.at for instant in instants if instant.dst_shifted]
    gaps = [
        after[0]
        for before, after in pairwise(
            pieces(zone, int(start.timestamp()), int(start.timestamp()) + 366 * 86_400)
        )
        if before[2] < after[2]
    ]
    assert len(set(shifted)) == len(shifted)
    assert {int(at.timestamp()) for at in shifted} <= set(gaps)


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
