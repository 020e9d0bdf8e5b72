"""Parses what people type for "when": "every 5m", "weekdays at 09:30", or cron.

Stored as cron if cron means exactly the same, else as seconds: */45 is not every 45 minutes, and */7 in the
day of the month is not every week.
"""

import re
from dataclasses import dataclass

from schedules.timing.cron import describe, parse
from schedules.timing.cron_fields import CronError
from schedules.timing.time_phrases import clock_cron, day_columns, minute_mark

MAX_LENGTH = 255
MINUTE, HOUR, DAY, WEEK = 60, 3600, 86_400, 604_800
LONGEST = 366 * DAY
SECONDS = {"s": 1, "m": MINUTE, "h": HOUR, "d": DAY, "w": WEEK}
CRON = re.compile(r"@.*|[\d*/,-]+( [\d*/,-]+ .*| [\d*/,-]+)")
UNIT = r"(?:s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?)(?![a-z])"
AMOUNT = rf"\d{{1,9}}(?:\.\d{{1,3}})? ?{UNIT}"
INTERVAL = re.compile(rf"(?:every |each )?(?P<amounts>{AMOUNT}(?:(?: and | )?{AMOUNT})*) ?(?P<rest>.*)")
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
WORDS = {word: str(number) for number, word in enumerate(NUMBERS, start=1)}
WORDS |= {"fifteen": "15", "twenty": "20", "thirty": "30", "forty-five": "45", "sixty": "60", "ninety": "90"}
EXAMPLES = (
    "Try 'every 5m', '90m', '2h', 'daily at 9am', 'weekdays at 09:30', 'every monday 8:00', "
    "'monthly on the 1st at 6:00', or a cron expression such as '30 9 * * MON-FRI'."
)


@dataclass(frozen=True)
class When:
    """A recurrence: a cron expression or a number of seconds."""

    cron: str = ""
    every_sec: int | None = None


def parse_when(text: str) -> When:
    """Parse a phrase, an interval or a cron expression. Raises CronError with examples of valid input."""
    if not isinstance(text, str) or not text.strip():
        raise CronError(f"Say when to run. {EXAMPLES}")
    if len(text) > MAX_LENGTH:
        raise CronError(f"The text is {len(text)} characters long; at most {MAX_LENGTH} are read.")
    phrase = " ".join(text.lower().split())
    if CRON.fullmatch(phrase):
        return When(cron=parse(phrase).expression)
    return _read(_clean(phrase), text)


def describe_when(when: When) -> str:
    """Describe a recurrence in English."""
    if when.every_sec is None:
        return describe(when.cron)
    for size, unit in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1, "second")):
        count, odd = divmod(when.every_sec, size)
        if not odd:
            return f"Every {unit}" if count == 1 else f"Every {count} {unit}s"
    raise AssertionError("every number of seconds is a multiple of one")


def _clean(phrase: str) -> str:
    """Normalise a phrase: digits for number words, "and" for commas."""
    phrase = re.sub(r" ?(?:,|&|\+|;) ?(?:and )?", " and ", phrase.rstrip(".! "))
    phrase = re.sub(r"\b([ap])\.m\b\.?", r"\1m", phrase)
    phrase = re.sub(r"\b(?:an? )?half(?: an?)?[ -]hour(?:ly)?\b", "30 minutes", phrase)
    phrase = re.sub(r"\b(?:a )?quarter(?: of an)? hour\b", "15 minutes", phrase)
    phrase = re.sub(r"\b(every|each) other (minute|hour|day|week)\b", r"\1 2 \2s", phrase)
    phrase = re.sub(
        r"\b(?:(?:every|each|once an?) (minute|second|hour)\b|(hour)ly\b)", r"every 1 \1\2", phrase
    )
    return re.sub(r"[a-z]+(?:-five)?", lambda word: WORDS.get(word[0], word[0]), phrase)


def _read(phrase: str, text: str) -> When:
    interval = INTERVAL.fullmatch(phrase)
    if interval is None:
        cron = clock_cron(phrase)
    elif not interval["rest"]:
        return _interval(_seconds(interval["amounts"]), text)
    else:
        cron = _interval_on_days(_seconds(interval["amounts"]), interval["rest"])
    if cron is None:
        raise CronError(f"{text.strip()!r} is not understood. {EXAMPLES}")
    return When(cron=parse(cron).expression)


def _seconds(amounts: str) -> float:
    pairs = re.findall(r"(\d+(?:\.\d+)?) ?([a-z])", amounts)
    return sum(float(number) * SECONDS[unit] for number, unit in pairs)


def _interval(seconds: float, text: str) -> When:
    if seconds < MINUTE:
        raise CronError(f"{text.strip()!r} is too often: the shortest interval is one minute.")
    if seconds > LONGEST:
        raise CronError(f"{text.strip()!r} is too rare: the longest interval is one year (366 days).")
    if seconds != int(seconds):
        raise CronError(f"{text.strip()!r} is not a whole number of seconds.")
    columns = _columns(seconds)
    return When(cron=f"{columns} * * *") if columns else When(every_sec=int(seconds))


def _columns(seconds: float) -> str | None:
    """Return the minute and hour columns if cron can express this interval, midnight to midnight."""
    minutes, hours = seconds / MINUTE, seconds / HOUR
    if minutes in (1, 60):
        return "* *" if minutes == 1 else "0 *"
    if minutes in (2, 3, 4, 5, 6, 10, 12, 15, 20, 30):
        return f"*/{minutes:.0f} *"
    if hours in (2, 3, 4, 6, 8, 12):
        return f"0 */{hours:.0f}"
    return "0 0" if seconds == DAY else None


def _interval_on_days(seconds: float, rest: str) -> str | None:
    """Parse "every 15 minutes on weekdays" or "every 2 hours at :30"; None if cron cannot express it."""
    if seconds == DAY:
        return clock_cron(f"daily {rest}")
    columns = _columns(seconds)
    if columns is None:
        raise CronError("Only an interval that divides an hour or a day can keep to certain days or minutes.")
    minute, rest = minute_mark(rest)
    if minute is not None:
        if not columns.startswith("0 "):
            return None
        columns = f"{minute} {columns.removeprefix('0 ')}"
    days = day_columns(rest) if rest else "* * *"
    return f"{columns} {days}" if days else None
