"""Validates the text of a cron expression and explains what is wrong with it.

croniter accepts far more than people mean (seconds, years, `?`, `W`, hashes, `9-9` read as "every hour"), so
only validated text reaches it. Whether a day exists is checked in `cron`.
"""

import re
from dataclasses import dataclass

MAX_LENGTH = 255
MAX_ITEMS = 60
MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
MONTHS = {name: number for number, name in enumerate(MONTH_NAMES, start=1)}
WEEKDAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))}
WORD = r"[A-Z]{3}|[0-9]{1,2}"
RANGE = re.compile(rf"(?P<low>{WORD})(-(?P<high>{WORD}))?(/(?P<step>[0-9]+))?")
STAR = re.compile(r"\*(/(?P<step>[0-9]+))?")
LAST_WEEKDAY = re.compile(rf"L(?P<after>{WORD})|(?P<before>{WORD})L")
NTH_WEEKDAY = re.compile(rf"(?P<day>{WORD})#(?P<nth>[0-9]+)")


class CronError(ValueError):
    """The text is not a valid time; the message names the correction."""


@dataclass(frozen=True)
class Field:
    """One of the five columns: its name, bounds and value names."""

    name: str
    low: int
    high: int
    names: dict[str, int]

    def number(self, word: str) -> int:
        """Return the number of a value. Raises CronError if it is not a value of this field."""
        number = self.names.get(word, int(word) if word.isdigit() else None)
        if number is None or not self.low <= number <= self.high:
            raise CronError(f"{word!r} does not fit the {self.name}: {self._allowed()}")
        return number

    def _allowed(self) -> str:
        names = f" or {next(iter(self.names))}-{list(self.names)[-1]}" if self.names else ""
        return f"use {self.low}-{self.high}{names}, * for every one."


MINUTE = Field("minute", 0, 59, {})
HOUR = Field("hour", 0, 23, {})
DAY = Field("day of the month", 1, 31, {})
MONTH = Field("month", 1, 12, MONTHS)
WEEKDAY = Field("day of the week", 0, 7, WEEKDAYS)
FIELDS = (MINUTE, HOUR, DAY, MONTH, WEEKDAY)


def normalise(text: str) -> str:
    """Return the five fields in one spelling: upper case, single spaces. Raises CronError."""
    if not isinstance(text, str):
        raise CronError("A cron expression is text such as '30 9 * * MON-FRI'.")
    if len(text) > MAX_LENGTH:
        raise CronError(f"The expression is {len(text)} characters long; at most {MAX_LENGTH} are read.")
    columns = _columns(text.strip())
    checked = [_field(field, column) for field, column in zip(FIELDS, columns, strict=True)]
    if checked[2] != "*" and re.search("[#L]", checked[4]):
        raise CronError(
            "A day of the month cannot be combined with # or L in the day of the week: make one of them *."
        )
    return " ".join(checked)


def _columns(text: str) -> list[str]:
    if text.startswith("@"):
        text = _macro(text.lower())
    columns = text.upper().split()
    if len(columns) != 5:
        seconds = " Seconds and years are not supported." if len(columns) in (6, 7) else ""
        raise CronError(
            f"A cron expression has 5 fields (minute, hour, day of the month, month, day of the week), "
            f"this has {len(columns)}.{seconds} Example: '30 9 * * MON-FRI'."
        )
    return columns


def _macro(text: str) -> str:
    if text not in MACROS:
        raise CronError(f"{text!r} is not known. These are: {', '.join(MACROS)}.")
    return MACROS[text]


def _field(field: Field, column: str) -> str:
    items = column.split(",")
    if len(items) > MAX_ITEMS:
        raise CronError(f"The {field.name} lists {len(items)} items; at most {MAX_ITEMS} are read.")
    checked = [_item(field, item) for item in items]
    marked = [item for item in checked if re.search("[#L]", item)]
    if field is WEEKDAY and marked and len(marked) != len(checked):
        raise CronError("The day of the week mixes # or L with plain days: use two schedules.")
    return "*" if "*" in checked else ",".join(dict.fromkeys(checked))


def _item(field: Field, item: str) -> str:
    if match := STAR.fullmatch(item):
        step = _step(field, match["step"])
        return "*" if step == "/1" else f"*{step}"
    if field is DAY and item == "L":
        return item
    if match := RANGE.fullmatch(item):
        return _range(field, match)
    return _marked_weekday(field, item)


def _range(field: Field, match: re.Match[str]) -> str:
    """Validate a value, or a range of values, with an optional step."""
    low, high = match["low"], match["high"]
    text = _spell(field, low)
    if high is not None:
        # croniter reads 9-9 (and SUN-7) as "all of them", every other cron as "the ninth".
        if _is_one(field, low, high):
            _step(field, match["step"])
            return text
        text += f"-{_spell(field, high)}"
    return text + _step(field, match["step"])


def _is_one(field: Field, low: str, high: str) -> bool:
    """Return whether a range has one value; of the weekdays, 0 and 7 are the same."""
    one, other = field.number(low), field.number(high)
    return one == other or (field is WEEKDAY and {one, other} == {0, 7} and one > other)


def _spell(field: Field, word: str) -> str:
    number = field.number(word)
    return str(number) if word.isdigit() else word


def _step(field: Field, step: str | None) -> str:
    """Validate a step: one longer than the field would fire only at its first value."""
    if step is None:
        return ""
    size = field.high - field.low + 1
    if not 1 <= int(step) <= size:
        raise CronError(
            f"A step of {step} does not fit the {field.name} (1 to {size}). "
            f"For a longer rhythm use an interval such as 'every 90m'."
        )
    return f"/{int(step)}"


def _marked_weekday(field: Field, item: str) -> str:
    """Validate the two weekday extensions: L5 (the last Friday) and 1#2 (the second Monday)."""
    if field is WEEKDAY and (match := LAST_WEEKDAY.fullmatch(item)):
        return f"L{field.number(match['after'] or match['before']) % 7}"
    if field is WEEKDAY and (match := NTH_WEEKDAY.fullmatch(item)):
        if not 1 <= int(match["nth"]) <= 5:
            raise CronError(f"'{item}': a month has the 1st to the 5th of a weekday, as in 1#2.")
        return f"{field.number(match['day']) % 7}#{int(match['nth'])}"
    raise CronError(f"{item!r} in the {field.name} is not understood: {_hint(field, item)}")


def _hint(field: Field, item: str) -> str:
    if "?" in item:
        return "write * instead of ?."
    if field is WEEKDAY and "L" in item:
        return "the last Friday of the month is L5."
    if field is DAY and "L" in item:
        return "L alone is the last day of the month."
    if field is DAY and "W" in item:
        return "W (nearest weekday) is not supported."
    return field._allowed()
