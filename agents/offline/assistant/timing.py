"""Finds the timing in a request: "every weekday at 9 in Europe/Berlin" → cron, time zone and the rest.

Wall-clock times become cron, plain intervals stay intervals ("90m" has no cron). It does not read the clock.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from zoneinfo import available_timezones

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
DAY = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?s?"
CLOCK = r"noon|midnight|\d{1,2}(?:[:.]\d{2})?\s*(?:am\b|pm\b|a\.m\.|p\.m\.|o'clock)?"
BEFORE = rf"(?:\bat\s+(?P<early>{CLOCK})\s*,?\s+)?"
BARE = r"\d{1,2}:\d{2}(?:\s*[ap]m)?|\d{1,2}\s*[ap]m"
AFTER = rf"(?:\s*,?\s*(?:at|@)\s*(?P<late>{CLOCK})|\s+(?P<bare>{BARE})\b)?"
NAME = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat|L)"
CRON_ITEM = r"[\d*][\d*/,\-]*"
CRON_WORD = rf"(?:[\d*]|{NAME})(?:[\d*/,#\-]|{NAME})*"
HAS_STAR = r"(?=(?:\S{1,40}\s+){0,4}\S{0,40}\*)"  # five bare numbers are just numbers
CRON = re.compile(
    rf"(?:\b(?:with\s+)?(?:the\s+)?cron(?:\s+expression)?:?\s+|\b(?:on|at)\s+)?[`\"']?"
    rf"(?<![\w*])(?P<cron>{HAS_STAR}{CRON_ITEM}\s+{CRON_ITEM}\s+{CRON_WORD}\s+{CRON_WORD}\s+{CRON_WORD}|@(?:hourly|daily|weekly|monthly|yearly))"
    rf"(?![\w*])[`\"']?",
    re.IGNORECASE,
)
INTERVAL = re.compile(
    r"\bevery\s+(?P<number>\d+|other|two|three|four|five|six|ten|fifteen|twenty|thirty)\s*"
    r"(?P<unit>m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)\b",
    re.IGNORECASE,
)
SEARCHED_CHARS = 2000
NUMBERS = {"other": 2, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
NUMBERS |= {"ten": 10, "fifteen": 15, "twenty": 20, "thirty": 30}
ZONE = re.compile(
    r"\s*[,(]?\s*\b(?:in\s+|time\s*zone:?\s+)?(?P<zone>[A-Z][A-Za-z]+/[A-Za-z_]+(?:/[A-Za-z_]+)?|UTC|GMT)\b(?:\s+time)?\)?"
)
CITY = re.compile(r"\s*[,(]?\s*\b(?:in\s+)?(?P<city>[A-Z][a-z]+(?:\s[A-Z][a-z]+)?)\s+time\b\)?")


@dataclass(frozen=True)
class Timing:
    """When to fire, the phrase that says so, and the rest of the text."""

    rest: str
    cron: str = ""
    interval: str = ""
    timezone: str = ""
    phrase: str = ""

    @property
    def explicit(self) -> bool:
        """Whether the phrase clearly asks for repetition; "the daily numbers" does not."""
        return bool(re.search(r"every|each|weekdays|\bon\b|\d|noon|midnight", self.phrase, re.IGNORECASE))

    @property
    def fields(self) -> dict[str, str]:
        """The arguments for a tool."""
        values = {"cron": self.cron, "interval": self.interval, "timezone": self.timezone}
        return {name: value for name, value in values.items() if value}


def find_timing(text: str) -> Timing | None:
    """Return the first recurring time in a text, or None."""
    head, tail = text[:SEARCHED_CHARS], text[SEARCHED_CHARS:]
    for pattern, read in READERS:
        if match := pattern.search(head):
            rest = f"{head[: match.start()]} {head[match.end() :]}{tail}"
            return with_zone(replace(read(match), rest=rest, phrase=match[0]))
    return None


def with_zone(timing: Timing) -> Timing:
    """Move the time zone from the rest to its field."""
    match = ZONE.search(timing.rest)
    if match and match["zone"] in available_timezones():
        return replace(timing, timezone=match["zone"], rest=without(timing.rest, match))
    if (match := CITY.search(timing.rest)) and (zone := zone_of(match["city"])):
        return replace(timing, timezone=zone, rest=without(timing.rest, match))
    return replace(timing, rest=" ".join(timing.rest.split()))


def without(text: str, match: re.Match[str]) -> str:
    """Return the text without a match."""
    return " ".join(f"{text[: match.start()]} {text[match.end() :]}".split())


def zone_of(city: str) -> str:
    """Return the time zone named after a city, or an empty string."""
    name = city.replace(" ", "_")
    matches = sorted(
        zone for zone in available_timezones() if zone.count("/") and zone.rpartition("/")[2] == name
    )
    return matches[0] if matches else ""


def read_cron(match: re.Match[str]) -> Timing:
    """Return the expression as written."""
    return Timing("", cron=" ".join(match["cron"].split()))


def read_interval(match: re.Match[str]) -> Timing:
    """Parse "every 90 minutes"; weeks become days."""
    number = NUMBERS.get(match["number"].lower()) or int(match["number"])
    unit = match["unit"][0].lower()
    return Timing("", interval=f"{number * 7}d" if unit == "w" else f"{number}{unit}")


def constant_cron(cron: str) -> Callable[[re.Match[str]], Timing]:
    """Return a parser for a phrase with a fixed cron expression."""
    return lambda match: Timing("", cron=cron)


def on_days(days: str, default: str = "9") -> Callable[[re.Match[str]], Timing]:
    """Return a parser for a fixed set of weekdays."""
    return lambda match: Timing("", cron=f"{clock(match, default)} * * {days}")


def read_named_days(match: re.Match[str]) -> Timing:
    """Parse "every monday and thursday at 8"."""
    matches = re.findall(DAY, match["days"], re.IGNORECASE)
    numbers = sorted(DAYS.index(day[:3].lower()) for day in matches)
    return Timing("", cron=f"{clock(match, '9')} * * {','.join(map(str, dict.fromkeys(numbers)))}")


def read_part_of_day(match: re.Match[str]) -> Timing:
    """Parse "every evening"; the hour has a default."""
    default = {"morning": "8", "afternoon": "14", "evening": "18", "night": "22"}
    part = next((part for part in default if part in match["part"].lower()), "night")
    return Timing("", cron=f"{clock(match, default[part], part)} * * *")


def read_month_day(match: re.Match[str]) -> Timing:
    """Parse "on the 15th of every month"."""
    return Timing("", cron=f"{clock(match, '9')} {match['day'] or 1} * *")


def clock(match: re.Match[str], default: str, part: str = "") -> str:
    """Return minute and hour of the time before or after the day."""
    phrase = match["early"] or match["late"] or match["bare"] or default
    hour, minute = time_of_day(phrase)
    earliest = {"afternoon": 1, "evening": 4, "night": 6}.get(part, 12)  # "every evening at 8" is 20:00
    is_ambiguous = not re.search(r"[ap]\.?m", phrase, re.IGNORECASE)
    return f"{minute} {hour + 12 if is_ambiguous and earliest <= hour < 12 else hour}"


def time_of_day(phrase: str) -> tuple[int, int]:
    """Parse "9", "9:30 pm", "noon"; the schedule validation refuses hours past 23."""
    phrase = phrase.lower()
    if phrase in ("noon", "midnight"):
        return (12 if phrase == "noon" else 0), 0
    digits = re.findall(r"\d+", phrase)
    hour, minute = int(digits[0]), int(digits[1]) if len(digits) > 1 else 0
    if re.search(r"p\.?m", phrase) and hour < 12:
        hour += 12
    if re.search(r"a\.?m", phrase) and hour == 12:
        hour = 0
    return hour, minute


def days_pattern(days: str) -> re.Pattern[str]:
    """Compile a pattern of days with an optional time before or after them."""
    return re.compile(rf"{BEFORE}{days}{AFTER}", re.IGNORECASE)


EVERY_DAY = rf"(?:every|each|weekly\s+on)\s+{DAY}"
ON_DAYS = rf"on\s+(?=\w+days){DAY}"  # "on monday" is one Monday
EACH = r"\b(?:every|each|on)\s+"
READERS: list[tuple[re.Pattern[str], Callable[[re.Match[str]], Timing]]] = [
    (CRON, read_cron),
    (INTERVAL, read_interval),
    (re.compile(r"\b(?:every|each)\s+minute\b", re.IGNORECASE), constant_cron("* * * * *")),
    (re.compile(r"\b(?:every|each)\s+hour\b|\bhourly\b", re.IGNORECASE), constant_cron("0 * * * *")),
    (
        days_pattern(rf"(?:{EACH})?\b(?:week\s?days?|work(?:ing|\s)?\s?days?|business\s+days?)\b"),
        on_days("1-5"),
    ),
    (days_pattern(rf"(?:{EACH})?\bmon(?:day)?\s*(?:-|–|to|through)\s*fri(?:day)?\b"), on_days("1-5")),
    (days_pattern(r"\b(?:(?:every|each|on)\s+weekends?|on\s+weekends)\b"), on_days("0,6")),
    (
        days_pattern(rf"\b(?P<days>(?:{EVERY_DAY}|{ON_DAYS})(?:(?:\s*,\s*|\s+and\s+|\s*&\s*){DAY})*)\b"),
        read_named_days,
    ),
    (
        days_pattern(r"\b(?P<part>(?:every|each)\s+(?:morning|afternoon|evening|night)|nightly)\b"),
        read_part_of_day,
    ),
    (days_pattern(r"\b(?:every\s+day|each\s+day|daily|once\s+a\s+day)\b"), on_days("*")),
    (
        days_pattern(
            r"\bon\s+the\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?\s+(?:day\s+)?of\s+(?:every|each|the)\s+month\b"
        ),
        read_month_day,
    ),
    (
        days_pattern(r"\b(?:(?:monthly|every\s+month)(?:\s+on\s+the\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?)?)\b"),
        read_month_day,
    ),
    (days_pattern(r"\b(?:weekly|every\s+week|once\s+a\s+week)\b"), on_days("1")),
]
