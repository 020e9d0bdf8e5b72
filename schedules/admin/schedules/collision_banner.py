"""The warning about colliding schedules."""

from collections.abc import Sequence
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from schedules.forecast.collisions import warning_text

MOST_NAMED = 4


def show_collisions(collision: dict[str, Any]) -> SafeString:
    """Format a warning of `collisions.check`."""
    busy = _list(collision["overlapping_minutes"])
    return format_html("<strong>Busy at {}:</strong> {}", busy, warning_text(collision))


def _list(things: Sequence[Any]) -> str:
    more = len(things) - MOST_NAMED
    return ", ".join(str(thing) for thing in things[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
