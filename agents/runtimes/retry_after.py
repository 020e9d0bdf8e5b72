"""Parses Retry-After headers."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_SEC = 24 * 3600.0


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds the server asks to wait; None if it does not ask."""
    if (sec := _parse_number(headers.get("retry-after-ms"))) is not None:
        sec /= 1000
    else:
        sec = _parse_number(headers.get("retry-after"))
    if sec is None:
        sec = _seconds_until(headers.get("retry-after"), headers.get("date"))
    return None if sec is None else min(max(sec, 0.0), MAX_SEC)


def _parse_number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _seconds_until(text: str | None, date: str | None) -> float | None:
    """Return the seconds until a date, by the server's own clock if it sends one."""
    parsed = _parse_date(text)
    return None if parsed is None else (parsed - (_parse_date(date) or datetime.now(UTC))).total_seconds()


def _parse_date(text: str | None) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
