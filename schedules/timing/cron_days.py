"""The days that a cron expression names, computed a month at a time and cached."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from croniter import CroniterError, croniter  # type: ignore[import-untyped]

from schedules.timing.cron_fields import CronError

DAY = 86_400
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
LONGEST = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, eq=False)
class DayRule:
    """Which days match: croniter's sets; None for a field that is *."""

    days: frozenset[int | str] | None  # "l" is the last of the month
    months: frozenset[int | str] | None
    weekdays: frozenset[int | str] | None  # Sunday is 0
    nth: dict[int, set[int | str]]  # weekday -> which one of the month, "l" for the last

    def matches(self, day: int, weekday: int, length: int) -> bool:
        """Return whether a day of a month of `length` days matches; if both day fields are set, either
        suffices.
        """
        if self.nth:
            nth = self.nth.get(weekday, ())
            return (day + 6) // 7 in nth or ("l" in nth and day + 7 > length)
        by_day = self.days is None or day in self.days or ("l" in self.days and day == length)
        by_weekday = self.weekdays is None or weekday in self.weekdays
        if self.days is None or self.weekdays is None:
            return by_day and by_weekday
        return by_day or by_weekday

    def is_possible(self) -> bool:
        """Return whether such a day exists in any year; 31 February does not."""
        if self.days is None or self.weekdays is not None or "l" in self.days:
            return True
        longest = max(LONGEST[int(month)] for month in self.months or range(1, 13))
        return min(int(day) for day in self.days) <= longest


@lru_cache(maxsize=1024)
def day_rule(fields: str) -> DayRule:
    """Parse the last three fields of an expression."""
    (_, _, *columns), nth = expand(f"0 0 {fields}")
    days, months, weekdays = (None if column == ["*"] else frozenset(column) for column in columns)
    return DayRule(days, months, weekdays, nth)


def expand(expression: str) -> tuple[list[Any], dict[Any, Any]]:
    """Return croniter's sets, one list for each field (["*"] for every value), and the nth weekdays."""
    try:
        columns, nth = croniter.expand(expression)
    except CroniterError as error:
        raise CronError(f"'{expression}' is not a cron expression: {error}") from error
    return columns, nth


def midnights(fields: str, first: int, last: int) -> Iterator[int]:
    """Yield the start of each matching day that overlaps first to last, in wall-clock seconds."""
    for year, month in _months(first // DAY, last // DAY):
        for midnight in _midnights_of_month(fields, year, month):
            if first - DAY < midnight <= last:
                yield midnight


@lru_cache(maxsize=8192)
def _midnights_of_month(fields: str, year: int, month: int) -> tuple[int, ...]:
    rule = day_rule(fields)
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
