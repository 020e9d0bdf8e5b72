"""What a server means by Retry-After."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_SEC = 24 * 3600.0


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds the server asks us to wait, or None when it does not say."""
    if (sec := _number(headers.get("retry-after-ms"))) is not None:
        sec /= 1000
    else:
        sec = _number(headers.get("retry-after"))
    if sec is None:
        sec = _until(headers.get("retry-after"), headers.get("date"))
    return None if sec is None else min(max(sec, 0.0), LONGEST_SEC)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _until(text: str | None, date: str | None) -> float | None:
    """Read a date, counted from the server's own clock where it tells that."""
    moment = _moment(text)
    return None if moment is None else (moment - (_moment(date) or datetime.now(UTC))).total_seconds()


def _moment(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
