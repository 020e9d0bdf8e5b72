"""The form field "when": one line with cron, a phrase or a moment."""

import re
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from schedules.timing.describe import HasRhythm
from schedules.timing.phrases import CRON, When, describe_when
from schedules.timing.timezones import zone

MOMENT = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}:\d{2}.*)?")
NO_SUCH_MOMENT = "There is no such moment. Write it like 2026-12-24 18:00."


def read(text: str, timezone: str) -> dict[str, Any]:
    """Parse a line into cron, interval or at, as `schedule_writer.save` takes them.

    A moment is in the given time zone. Raises ValueError if the line is invalid.
    """
    line = " ".join(text.split())
    if MOMENT.fullmatch(line):
        return {"at": _moment(line, timezone)}
    return {"cron": line} if CRON.fullmatch(line.lower()) else {"interval": line}


def is_moment(text: str) -> bool:
    """Return whether the line is a moment, to which the time zone applies."""
    return MOMENT.fullmatch(" ".join(text.split())) is not None


def _moment(line: str, timezone: str) -> datetime:
    try:
        moment = parse_datetime(line if ":" in line else f"{line} 00:00")
    except ValueError:
        moment = None
    if moment is None:
        raise ValueError(NO_SUCH_MOMENT)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone(timezone))


def show(schedule: HasRhythm) -> str:
    """Return the line that produces the timing of a schedule."""
    if schedule.at:
        return f"{schedule.at.astimezone(zone(schedule.timezone)):%Y-%m-%d %H:%M:%S}".removesuffix(":00")
    if schedule.interval or schedule.cron:
        return schedule.interval or schedule.cron
    return describe_when(When(every_sec=schedule.every_sec)).lower() if schedule.every_sec else ""
