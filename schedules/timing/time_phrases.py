"""Phrases with a time of day: "weekdays at 09:30", "every monday and friday 8am", "monthly on the 1st at 6".

The times are extracted first; the rest must name the days. Each function returns None if it does not
understand.
"""

import re

from schedules.timing.cron_fields import CronError

DAY_NAMES = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
SHORT_NAMES = {"tues": 2, "weds": 3, "thur": 4, "thurs": 4}
WEEKDAYS = {spelling: n for n, name in enumerate(DAY_NAMES) for spelling in (name, f"{name}s", name[:3])}
WEEKDAYS |= SHORT_NAMES
DAY_RANGE = re.compile(r"\b([a-z]+) ?(?:-|–|to|till|until|through|thru) ?([a-z]+)\b")
GROUPS = {
    "daily": "* * *",
    "everyday": "* * *",
    "day": "* * *",
    "days": "* * *",
    "weekday": "* * 1-5",
    "weekdays": "* * 1-5",
    "workday": "* * 1-5",
    "workdays": "* * 1-5",
    "weekend": "* * 0,6",
    "weekends": "* * 0,6",
    "weekly": "* * 0",
    "week": "* * 0",
    "yearly": "1 1 *",
    "annually": "1 1 *",
    "year": "1 1 *",
}
FILLERS = {"every", "each", "on", "the", "of", "and"}
ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5}
TIME = re.compile(
    r"(?:\band )?(?:\bat )?(?:"
    r"\b(?P<hour>\d{1,2})[:.h](?P<minute>\d{2})(?: ?(?P<half>[ap]m))?\b"
    r"|\b(?P<hour12>\d{1,2}) ?(?P<half12>[ap]m)\b"
    r"|(?<=at )(?P<bare>\d{1,2})(?: ?o'clock)?(?=$| )"
    r"|\b(?P<word>noon|midday|midnight)\b)"
)


def clock_cron(phrase: str) -> str | None:
    """Return the cron expression for days and times of day; midnight if only days are named."""
    times = [_time(match) for match in TIME.finditer(phrase)]
    rest = TIME.sub(" ", phrase)
    if times and not rest.strip():
        raise CronError(f"'{phrase}' does not say on which days: write 'daily {phrase}'.")
    days = day_columns(rest)
    if days is None:
        return None
    return f"{_time_columns(times or [(0, 0)])} {days}"


def minute_mark(phrase: str) -> tuple[int | None, str]:
    """Extract "at :15": return the minute past each hour and the rest of the phrase."""
    match = re.search(r"(?:\bat )?(?<!\d):([0-5]\d)\b", phrase)
    if match is None:
        return None, phrase
    return int(match[1]), (phrase[: match.start()] + phrase[match.end() :]).strip()


def day_columns(phrase: str) -> str | None:
    """Return the last three columns of cron for a phrase that names days."""
    words = [word for word in DAY_RANGE.sub(_join_days, phrase).split() if word not in FILLERS]
    if len(words) == 1 and words[0] in GROUPS:
        return GROUPS[words[0]]
    if words and words[0] in ("weekly", "week"):
        return _weekday_columns(words[1:])
    for month in ("monthly", "month"):
        if month in words:
            words.remove(month)
            return _month_columns(words)
    return _weekday_columns(words) or _ordinal_columns(words)


def _time(match: re.Match[str]) -> tuple[int, int]:
    """Return the hour and minute of one time of day. Raises CronError for 25:00 or 13pm."""
    if match["word"]:
        return (0 if match["word"] == "midnight" else 12), 0
    hour = int(match["hour"] or match["hour12"] or match["bare"])
    minute = int(match["minute"] or 0)
    half = match["half"] or match["half12"]
    if minute > 59 or (not 1 <= hour <= 12 if half else hour > 23):
        raise CronError(f"'{match[0].strip()}' is not a time of day: write 09:30 or 9:30pm.")
    return (hour % 12 + (12 if half == "pm" else 0) if half else hour), minute


def _time_columns(times: list[tuple[int, int]]) -> str:
    hours, minutes = ({time[part] for time in times} for part in (0, 1))
    if len(hours) > 1 and len(minutes) > 1:
        raise CronError("Times at different minutes of different hours need a schedule each.")
    return " ".join(",".join(map(str, sorted(column))) for column in (minutes, hours))


def _join_days(match: re.Match[str]) -> str:
    first, last = (WEEKDAYS.get(name) for name in match.groups())
    return match[0] if first is None or last is None else f"{first}-{last}"


def _weekday_columns(words: list[str]) -> str | None:
    """Return the columns for a list of weekdays and ranges, each already in the form 1-5."""
    names = [str(WEEKDAYS.get(word, word)) for word in words]
    if not names or not all(re.fullmatch(r"[0-6](-[0-6])?", name) for name in names):
        return None
    if any(word.isdigit() for word in words):
        return None
    return f"* * {','.join(dict.fromkeys(names))}"


def _month_columns(words: list[str]) -> str | None:
    """Return the columns for what follows "monthly on": days by number, the last day, or an nth weekday."""
    if not words:
        return "1 * *"
    if words == ["last", "day"]:
        return "L * *"
    if len(words) == 2 and words[1] in WEEKDAYS:
        return _nth_weekday(words[0], WEEKDAYS[words[1]])
    numbers = [str(ORDINALS.get(word, word)) for word in words if word != "day"]
    return _ordinal_columns([f"{number}th" if number.isdigit() else number for number in numbers])


def _nth_weekday(which: str, weekday: int) -> str | None:
    if which == "last":
        return f"* * L{weekday}"
    match = re.fullmatch(r"([1-5])(?:st|nd|rd|th)", which)
    nth = int(match[1]) if match else ORDINALS.get(which)
    return f"* * {weekday}#{nth}" if nth else None


def _ordinal_columns(words: list[str]) -> str | None:
    days = [re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)", word) for word in words]
    if not days or not all(days):
        return None
    return f"{','.join(day[1] for day in days if day)} * *"
