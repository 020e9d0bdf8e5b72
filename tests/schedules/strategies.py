"""Cron expressions, zones and moments to draw from, rich in the cases that go wrong."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from schedules.timing.cron import Cron, CronError, parse

MINUTES = ["*", "*/5", "*/15", "*/7", "0", "30", "1,31", "59", "10-20/5", "0,15,30,45", "50-10", "5/20"]
HOURS = ["*", "*/2", "0-23", "2", "0", "23", "1-3", "22-2", "2,3", "*/6", "9-17", "0,1"]
DAYS = ["*", "*", "*", "1", "31", "29", "L", "15,L", "1-7", "*/2", "28-2", "5/10", "1-31"]
MONTHS = ["*", "*", "*", "2", "3,10", "JAN-MAR", "4/3", "NOV-FEB", "*/5"]
WEEKDAYS = [
    "*",
    "*",
    "*",
    "1-5",
    "SUN",
    "7",
    "0",
    "0-7",
    "FRI-MON",
    "5-7",
    "1#2",
    "L5",
    "MON#5,L0",
    "*/2",
    "SAT",
]
ZONES = [
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "America/St_Johns",  # changed at 00:01, so that 23:01-24:00 came again
    "America/Havana",  # changes at midnight
    "Asia/Beirut",
    "Africa/Casablanca",
    "Australia/Lord_Howe",  # by half an hour
    "Antarctica/Troll",  # by two hours
    "Pacific/Chatham",
    "Pacific/Apia",  # had no 30 December 2011
]


@st.composite
def crons(draw: st.DrawFn) -> Cron:
    """Draw an expression that can fire."""
    columns = [draw(st.sampled_from(column)) for column in (MINUTES, HOURS, DAYS, MONTHS, WEEKDAYS)]
    try:
        return parse(" ".join(columns))
    except CronError:  # 31 February, or a day of the month beside 1#2
        return parse(" ".join([*columns[:2], "*", *columns[3:]]))


def moments(first: int = 2010, last: int = 2030) -> st.SearchStrategy[datetime]:
    """Draw an aware moment, to the second."""
    # 2011-12-29 .. 31 and the usual nights of change are as likely as all the rest together
    nights = [
        datetime(2011, 12, 29, 12, tzinfo=UTC),
        datetime(2010, 3, 14, tzinfo=UTC),
        datetime(2010, 11, 7, tzinfo=UTC),
        datetime(2026, 3, 28, 20, tzinfo=UTC),
        datetime(2026, 4, 4, 6, tzinfo=UTC),
        datetime(2026, 10, 3, 6, tzinfo=UTC),
        datetime(2026, 10, 24, 20, tzinfo=UTC),
    ]
    anywhen = st.datetimes(datetime(first, 1, 1), datetime(last, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
    return st.one_of(st.sampled_from(nights), anywhen.map(lambda moment: moment.replace(microsecond=0)))
