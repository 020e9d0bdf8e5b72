"""Cron on the wall clock: which minutes an expression names. Time zones are in `wall_clock`.

croniter expands the fields and this module walks the days: one instant from croniter takes a quarter of a
millisecond, and a forecast needs hundreds of thousands. The tests compare both.
"""

import re
from bisect import bisect_left, bisect_right
from calendar import month_name
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from cron_descriptor import Options, get_description  # type: ignore[import-untyped]

from schedules.timing.cron_days import DAY, EPOCH_ORDINAL, day_rule, expand, midnights
from schedules.timing.cron_fields import CronError, normalise
from schedules.timing.cron_steps import spelled_out

__all__ = ["Cron", "CronError", "describe", "parse"]

EPOCH = datetime.fromordinal(EPOCH_ORDINAL)
HORIZON = 50 * 366 * DAY  # the rarest expression, a weekday on 29 February, comes within 40 years
START_OF_TIME, END_OF_TIME = ((date(year, 1, 1).toordinal() - EPOCH_ORDINAL) * DAY for year in (2, 9999))


@dataclass(frozen=True)
class Cron:
    """A parsed expression. Times are wall-clock seconds since 1970."""

    expression: str
    times: tuple[int, ...]  # the seconds of a day at which it fires
    hour_is_wildcard: bool  # the hour field names all 24 hours, however written: *, */1, 0-23; but not */2
    day_fields: str  # the last three fields

    def next_wall(self, after: datetime) -> datetime | None:
        """Return the first wall-clock time after a naive one; None if there is none within 50 years."""
        first = (after - EPOCH) // timedelta(seconds=1) + 1
        for midnight, times in self.walls(first, first + HORIZON):
            return EPOCH + timedelta(seconds=midnight + times[0])
        return None

    def walls(self, first: int, last: int) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Yield (midnight, seconds after it) for each day with a time from first to last, inclusive."""
        for midnight in midnights(self.day_fields, first, min(last, END_OF_TIME)):
            times = self.times
            if midnight < first or midnight + DAY > last:
                times = times[bisect_left(times, first - midnight) : bisect_right(times, last - midnight)]
            if times:
                yield midnight, times

    def has_wall(self, first: int, last: int) -> bool:
        """Return whether it names a time from first to last, inclusive."""
        return next(self.walls(first, last), None) is not None


@lru_cache(maxsize=4096)
def parse(text: str) -> Cron:
    """Parse a five-field expression or an @macro. Raises CronError with the correction."""
    expression = normalise(text)
    minute, hour, day_fields = expression.split(maxsplit=2)
    if not day_rule(day_fields).is_possible():
        day, month, _ = day_fields.split()
        named = month_name[int(month)] if month.isdecimal() else f"month {month}"
        raise CronError(f"'{expression}' never fires: {named} has no day {day} in any year.")
    hours, minutes = _hours(hour), _minutes(minute)
    times = tuple(h * 3600 + m * 60 for h in hours or range(24) for m in minutes or range(60))
    return Cron(expression, times, hour_is_wildcard=hours is None, day_fields=day_fields)


@lru_cache(maxsize=4096)
def describe(text: str) -> str:
    """Describe an expression in English, on the 24-hour clock. Raises CronError if it is invalid.

    Uneven steps such as */45 are described by their values, not as "every 45 minutes".
    """
    options = Options()
    options.use_24hour_time_format = True
    options.locale_code = "en_US"
    cron = parse(text)
    told: list[str] = [get_description(spelled_out(one), options) for one in _by_weekday(cron.expression)]
    said = told[0]
    if len(told) > 1:
        names = [named[1] for one in told if (named := OF_THE_MONTH.search(one))]
        listed = ", the ".join(names[:-1]) + f" and the {names[-1]}"
        said = OF_THE_MONTH.sub(f"on the {listed} of the month", said)
    if cron.day_fields == "* * *" and re.match(r"At \d\d:", said):
        said += ", every day"
    return re.sub(r"\b(day )?L\b", "the last day", said)


OF_THE_MONTH = re.compile(r"on the (\w+ \w+) of the month")


def _by_weekday(expression: str) -> list[str]:
    """Return one expression for each nth weekday: the library describes only one of them."""
    *others, weekdays = expression.split()
    if not re.search(r"[#L]", weekdays):
        return [expression]
    return [" ".join((*others, one)) for one in weekdays.split(",")]


# croniter is slow, and most expressions are made of few columns: each is asked about once.


@lru_cache(maxsize=1024)
def _minutes(column: str) -> Sequence[int] | None:
    return _numbers(expand(f"{column} * * * *")[0][0])


@lru_cache(maxsize=1024)
def _hours(column: str) -> Sequence[int] | None:
    return _numbers(expand(f"0 {column} * * *")[0][1])


def _numbers(expanded: list[Any]) -> Sequence[int] | None:
    """Return the values of a column; None for every value."""
    return None if expanded == ["*"] else expanded
