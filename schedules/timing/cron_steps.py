"""Uneven steps of a cron expression: "*/45" fires at minutes 0 and 45, not every 45 minutes."""

import re

from schedules.timing.cron_days import expand

FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
AGAIN = ("hour", "day", "month", "year", "week")
SIZES = (60, 24, None, 12, None)  # None: no step divides it, for months differ and a week has seven days
UNITS = ("minutes", "hours", "days", "months", "days")
INTERVALS = ("m", "h", "d", "", "d")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MONTHS = ("", "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
EVERY = re.compile(r"\*/(\d+)")
STEP = re.compile(r"(?:\*|\d+)/(\d+)")  # "7/45" goes from 7 to the end of the field


def spelled_out(expression: str) -> str:
    """Return the expression with uneven steps replaced by their values, each value once."""
    columns = expression.split()
    return " ".join(
        _values(number, column)
        if ("/" in column and not _is_even(number, columns)) or _names_twice(number, column)
        else column
        for number, column in enumerate(columns)
    )


def _names_twice(number: int, column: str) -> bool:
    """Return whether the items of a list share a value; 0 and 7 are both Sunday."""
    items = column.split(",")
    if len(items) < 2 or "#" in column or "L" in column.upper():
        return False
    named = [value for item in items for value in _values(number, item).split(",")]
    return len(named) > len(set(named))


def uneven(expression: str) -> list[str]:
    """Return a warning for each step that does not divide its field."""
    said = []
    for number, column in enumerate(expression.split()):
        match = STEP.fullmatch(column)
        size = SIZES[number]
        if match and not (size and size % int(match[1]) == 0):
            said.append(_warning(number, column, int(match[1])))
    return said


def _is_even(number: int, columns: list[str]) -> bool:
    """Return whether a step repeats evenly; in hours, only with a single minute."""
    match, size = EVERY.fullmatch(columns[number]), SIZES[number]
    if not match or not size or size % int(match[1]) or int(match[1]) == size:
        return False
    return number != 1 or columns[0].isdecimal()


def _values(number: int, column: str) -> str:
    fields = ["0", "0", "*", "*", "*"]
    fields[number] = column
    values = expand(" ".join(fields))[0][number]
    names = {3: MONTHS, 4: WEEKDAYS}.get(number)
    return ",".join(names[value] if names and isinstance(value, int) else str(value) for value in values)


def _warning(number: int, column: str, step: int) -> str:
    values = _values(number, column).split(",")
    listed = ", ".join(values[:-1]) + (" and " if len(values) > 1 else "") + values[-1]
    said = (
        f"“{column}” in the {FIELDS[number]} is not every {step} {UNITS[number]}: the count begins again "
        f"each {AGAIN[number]}, so it means {listed}."
    )
    interval = f"{step}{INTERVALS[number]}"
    return said + (f" For a steady rhythm use the interval “every {interval}”." if INTERVALS[number] else "")
