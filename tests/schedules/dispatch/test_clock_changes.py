"""Where clocks change: the nights one by one, and the rules told again, slowly, against the quick way."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.timing import timezones
from schedules.timing.cron import Cron
from schedules.timing.recurrence import Instant, Recurrence
from schedules.timing.timezones import pieces
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


FIXED_TIMES = crons().filter(lambda cron: not cron.hour_is_wildcard)


@given(FIXED_TIMES, st.sampled_from(ZONES), st.integers(2010, 2029))
def test_a_gap_shifts_one_firing_at_most(cron: Cron, zone: str, year: int):
    start, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    instants = Recurrence(cron=cron.expression, timezone=zone).between(start, end, limit=600_000)
    shifted = [instant.at for instant in instants if instant.dst_shifted]
    parts = pairwise(pieces(zone, int(start.timestamp()), int(end.timestamp())))
    gaps = {after[0] for before, after in parts if before[2] < after[2]}
    assert len(set(shifted)) == len(shifted)
    assert {int(at.timestamp()) for at in shifted} <= gaps


def test_a_gap_that_is_over_does_not_fire_again():
    recurrence = Recurrence(cron="30 2 * * *", timezone="Europe/Paris")
    gap = utc("2026-03-29T01")
    assert recurrence.next_after(gap - MICROSECOND) == Instant(gap, dst_shifted=True)
    assert recurrence.next_after(gap) == Instant(utc("2026-03-30T00:30"))
    assert recurrence.next_after(utc("2026-04-02")) == Instant(utc("2026-04-02T00:30"))


@pytest.mark.parametrize("after", ["1969-09-30T09", "1969-09-30T14", "1969-10-01T00", "1969-10-01T07"])
def test_a_repeat_is_known_for_one_wherever_one_starts_to_look(after, monkeypatch):
    # Kwajalein had 30 September 1969 twice. Small blocks put an edge of ours in the middle of the second one.
    monkeypatch.setattr(timezones, "BLOCK", timezones.DAY)
    timezones._pieces_of_block.cache_clear()
    try:
        evening = Recurrence(cron="0 20 * * *", timezone="Pacific/Kwajalein")
        assert evening.next_after(utc(after)) == Instant(utc("1969-10-02T08"))
    finally:
        timezones._pieces_of_block.cache_clear()
