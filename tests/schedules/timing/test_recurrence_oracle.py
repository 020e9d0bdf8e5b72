"""Every IANA zone against cronsim, an independent reading of Debian's cron, around each change of its clocks.

We differ in what is elapsed time: cronsim asks how a field is *written*, we ask which hours it *names*.

1. cronsim takes `*/15 2 * * *` and `0 */2 * * *` for elapsed time because a field starts with a star. In
   spring it drops the first one for the whole gap, in autumn it fires both twice. Here only an hour field
   that names all 24 hours is elapsed time: spelled out without a star, cronsim agrees with us.
2. cronsim takes `0 0-23 * * *` for fixed times. Here it is the same as `0 * * * *`.
3. Looking for a single minute, cronsim jumps ahead by elapsed minutes, and so over the second 01:30 where
   clocks go back by half an hour (Lord Howe). There it is asked for every minute, and ours are picked out.

On everything else the two agree, instant by instant: what a gap shifts, what an overlap repeats, dates that a
zone left out, and `30 2-4 * * *`, whose 02:30 comes at 03:00 and whose 03:30 at 03:30.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from cronsim import CronSim

from schedules.timing.recurrence import Recurrence, ZoneError
from schedules.timing.timezones import pieces, zone

EVEN_HOURS = ",".join(str(hour) for hour in range(0, 24, 2))

# What we read, and the spelling in which cronsim reads the same.
SPELLINGS = [
    ("30 * * * *", "30 * * * *"),
    ("0,45 * * * *", "0,45 * * * *"),
    ("15 0-23 * * *", "15 * * * *"),
    ("0 0 * * *", "0 0 * * *"),
    ("30 0-4 * * *", "30 0-4 * * *"),
    ("*/15 2 * * *", "0,15,30,45 2 * * *"),
    ("*/30 0-3,23 * * *", "0,30 0-3,23 * * *"),
    ("5 */2 * * *", f"5 {EVEN_HOURS} * * *"),
    ("0 2,3 * * SUN", "0 2,3 * * 0"),
    ("45 1 1-15 * *", "45 1 1-15 * *"),
]
YEARS = (2025, 2026)
HALF_HOUR_ZONES = {"Australia/Lord_Howe", "Australia/LHI"}


@cache
def zones() -> list[str]:
    """List the zones of this machine that a schedule may name."""
    known = []
    for name in sorted(available_timezones()):
        try:
            zone(name)
        except ZoneError:
            continue
        known.append(name)
    return known


def windows(name: str) -> list[tuple[datetime, datetime]]:
    """Return the hours around each change of a zone's clocks, or some day when it has none."""
    first, last = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (YEARS[0], YEARS[1] + 1))
    parts = list(pieces(name, first, last))
    changes = [after[0] for before, after in pairwise(parts) if before[2] != after[2]]
    around = [(change - 8 * 3600, change + 8 * 3600) for change in changes if first < change < last]
    around = around or [(first + 100 * 86_400, first + 101 * 86_400)]
    return [(datetime.fromtimestamp(low, UTC), datetime.fromtimestamp(high, UTC)) for low, high in around]


def offsets(name: str, after: datetime, until: datetime) -> object:
    """Return all that tells the clocks of one zone from another's, a quarter of an hour at a time."""
    quarters = range(int(after.timestamp()), int(until.timestamp()), 900)
    return after, tuple(datetime.fromtimestamp(one, ZoneInfo(name)).utcoffset() for one in quarters)


def by_cronsim(expression: str, name: str, after: datetime, until: datetime) -> list[datetime]:
    instants: list[datetime] = []
    for local in CronSim(expression, after.astimezone(ZoneInfo(name))):
        if local.astimezone(UTC) > until:
            return instants
        instants.append(local.astimezone(UTC))
    return instants


def by_cronsim_minute_by_minute(
    expression: str, name: str, after: datetime, until: datetime
) -> list[datetime]:
    minute = int(expression.split(maxsplit=1)[0])
    every = by_cronsim("* * * * *", name, after, until)
    return [instant for instant in every if instant.astimezone(ZoneInfo(name)).minute == minute]


def ours(expression: str, name: str, after: datetime, until: datetime) -> list[datetime]:
    return [instant.at for instant in Recurrence(cron=expression, timezone=name).between(after, until)]


@pytest.mark.parametrize(("expression", "spelled"), SPELLINGS)
def test_every_zone_agrees_with_cronsim_around_each_change(expression, spelled):
    answers: dict[object, list[datetime]] = {}
    for name in zones():
        by_minute = name in HALF_HOUR_ZONES and expression == "30 * * * *"
        oracle = by_cronsim_minute_by_minute if by_minute else by_cronsim
        for night in windows(name):
            clock = offsets(
                name, *night
            )  # cronsim is slow, and asked once for all zones whose clocks go alike
            if clock not in answers:
                answers[clock] = oracle(spelled, name, *night)
            assert ours(expression, name, *night) == answers[clock], (name, night)


@pytest.mark.parametrize(
    ("name", "after"),
    [
        ("Pacific/Apia", datetime(2011, 12, 28, tzinfo=UTC)),
        ("Pacific/Kwajalein", datetime(1993, 8, 19, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize(("expression", "spelled"), SPELLINGS)
def test_a_date_that_a_zone_left_out_is_left_out_alike(expression, spelled, name, after):
    until = after + timedelta(days=5)
    assert ours(expression, name, after, until) == by_cronsim(spelled, name, after, until)


def test_the_zones_are_all_there():
    assert len(zones()) > 400
    assert {"Europe/Paris", "Australia/Lord_Howe", "Pacific/Apia", "UTC"} <= set(zones())
    assert sum(len(windows(name)) > 1 for name in zones()) > 100


def test_cronsim_drops_a_star_step_in_the_gap_where_we_fire_once():
    night = (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 12, tzinfo=UTC))
    assert by_cronsim("*/15 2 * * *", "Europe/Paris", *night) == []
    assert ours("*/15 2 * * *", "Europe/Paris", *night) == [datetime(2026, 3, 29, 1, tzinfo=UTC)]


def test_cronsim_fires_a_star_step_in_both_folds_where_we_fire_in_the_first():
    night = (datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 25, 12, tzinfo=UTC))
    assert len(by_cronsim("*/15 2 * * *", "Europe/Paris", *night)) == 8
    assert len(ours("*/15 2 * * *", "Europe/Paris", *night)) == 4


def test_cronsim_jumps_over_the_second_half_hour_of_lord_howe():
    night = (datetime(2026, 4, 4, 14, tzinfo=UTC), datetime(2026, 4, 4, 16, tzinfo=UTC))
    missed = datetime(2026, 4, 4, 15, tzinfo=UTC)
    assert missed in ours("30 * * * *", "Australia/Lord_Howe", *night)
    assert missed not in by_cronsim("30 * * * *", "Australia/Lord_Howe", *night)


def test_cronsim_takes_all_hours_written_out_for_fixed_times():
    night = (datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 22, tzinfo=UTC))
    assert len(ours("0 0-23 * * *", "Europe/Paris", *night)) == 24
    assert len(by_cronsim("0 0-23 * * *", "Europe/Paris", *night)) == 23
