"""Cron on the wall clock: which minutes an expression names. No time zones here, see `calendar`.

croniter expands each field; the days are then walked month by month, because asking croniter for one
instant at a time costs a quarter of a millisecond, and a forecast asks for hundreds of thousands.
The tests compare every answer with croniter's own.
"""

import re
from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from cron_descriptor import Options, get_description
from croniter import CroniterError, croniter

from schedules.fields import CronError, normalise

__all__ = ["Cron", "CronError", "describe", "parse"]

DAY = 86_400
EPOCH = datetime(1970, 1, 1)
EPOCH_ORDINAL = EPOCH.toordinal()
LONGEST = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
HORIZON = 50 * 366 * DAY  # the rarest expression, a weekday on 29 February, comes within 40 years
START_OF_TIME, END_OF_TIME = ((date(year, 1, 1).toordinal() - EPOCH_ORDINAL) * DAY for year in (2, 9999))


@dataclass(frozen=True)
class Cron:
    """A parsed expression. Wall-clock times inside are whole seconds since 1970 on the clock's own face."""

    expression: str
    times: tuple[int, ...]  # the seconds of a day at which it fires
    hour_is_wildcard: bool  # the hour field names all 24 hours, however written: *, */1, 0-23
    day_fields: str  # the last three fields

    def next_wall(self, after: datetime) -> datetime | None:
        """Return the first wall-clock time after a naive one, None when there is none for 50 years."""
        first = (after - EPOCH) // timedelta(seconds=1) + 1
        for midnight, times in self.walls(first, first + HORIZON):
            return EPOCH + timedelta(seconds=midnight + times[0])
        return None

    def walls(self, first: int, last: int) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Yield (midnight, seconds after it) for each day that has a time from first to last, inclusive."""
        for midnight in self._midnights(first, min(last, END_OF_TIME)):
            times = self.times
            if midnight < first or midnight + DAY > last:
                times = times[bisect_left(times, first - midnight) : bisect_right(times, last - midnight)]
            if times:
                yield midnight, times

    def has_wall(self, first: int, last: int) -> bool:
        """Say whether any time from first to last, inclusive, matches."""
        return next(self.walls(first, last), None) is not None

    def _midnights(self, first: int, last: int) -> Iterator[int]:
        for year, month in _months(first // DAY, last // DAY):
            for midnight in _midnights_of_month(self.day_fields, year, month):
                if first - DAY < midnight <= last:
                    yield midnight


@dataclass(frozen=True, eq=False)
class DayRule:
    """Which days match: croniter's sets, None for a field that is *."""

    days: frozenset[int | str] | None
    months: frozenset[int | str] | None
    weekdays: frozenset[int | str] | None  # Sunday is 0
    nth: dict[int, set[int | str]]  # weekday -> which one of the month, "l" for the last

    def matches(self, day: int, weekday: int, length: int) -> bool:
        """Decide about one day of a month of that length; both day fields given means either (croniter's OR)."""
        if self.nth:
            nth = self.nth.get(weekday, ())
            return (day + 6) // 7 in nth or ("l" in nth and day + 7 > length)
        by_day = self.days is None or day in self.days or ("l" in self.days and day == length)
        by_weekday = self.weekdays is None or weekday in self.weekdays
        if self.days is None or self.weekdays is None:
            return by_day and by_weekday
        return by_day or by_weekday

    def is_possible(self) -> bool:
        """Say whether such a day exists in any year: 31 February does not."""
        if self.days is None or self.weekdays is not None or "l" in self.days:
            return True
        longest = max(LONGEST[int(month)] for month in self.months or range(1, 13))
        return min(int(day) for day in self.days) <= longest


@lru_cache(maxsize=4096)
def parse(text: str) -> Cron:
    """Read a five-field expression or an @macro; raise CronError with what is wrong and what would be right."""
    expression = normalise(text)
    minute, hour, day_fields = expression.split(maxsplit=2)
    if not _day_rule(day_fields).is_possible():
        day, month, _ = day_fields.split()
        raise CronError(f"'{expression}' never fires: month {month} has no day {day} in any year.")
    (minutes, hours, *_), _ = _expand(f"{minute} {hour} * * *")
    times = tuple(h * 3600 + m * 60 for h in _numbers(hours, range(24)) for m in _numbers(minutes, range(60)))
    return Cron(expression, times, hour_is_wildcard=hours == ["*"], day_fields=day_fields)


def describe(text: str) -> str:
    """Say an expression in plain English, on the 24-hour clock; raise CronError when it is none."""
    options = Options()
    options.use_24hour_time_format = True
    options.locale_code = "en_US"
    said = get_description(parse(text).expression, options)
    return re.sub(r"\bday L\b|\bL\b", "the last day", said)


@lru_cache(maxsize=1024)
def _day_rule(day_fields: str) -> DayRule:
    (_, _, *columns), nth = _expand(f"0 0 {day_fields}")
    days, months, weekdays = (None if column == ["*"] else frozenset(column) for column in columns)
    return DayRule(days, months, weekdays, nth)


@lru_cache(maxsize=8192)
def _midnights_of_month(day_fields: str, year: int, month: int) -> tuple[int, ...]:
    rule = _day_rule(day_fields)
    if rule.months is not None and month not in rule.months:
        return ()
    first_weekday, length = monthrange(year, month)
    before = date(year, month, 1).toordinal() - EPOCH_ORDINAL - 1
    return tuple(
        (before + day) * DAY
        for day in range(1, length + 1)
        if rule.matches(day, (first_weekday + day) % 7, length)
    )


def _months(first_day: int, last_day: int) -> Iterator[tuple[int, int]]:
    if first_day > last_day:
        return
    first, last = (date.fromordinal(day + EPOCH_ORDINAL) for day in (first_day, last_day))
    for month in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
        yield month // 12, month % 12 + 1


def _expand(expression: str) -> tuple[list[Any], dict[Any, Any]]:
    try:
        return croniter.expand(expression)
    except CroniterError as error:
        raise CronError(f"'{expression}' is not a cron expression: {error}") from error


def _numbers(column: list[Any], everything: range) -> Sequence[int]:
    return everything if column == ["*"] else column
