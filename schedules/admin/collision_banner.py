"""With whom a schedule would collide, said in a banner after it was saved."""

from collections.abc import Sequence
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

MOST_NAMED = 4


def tell(collision: dict[str, Any]) -> SafeString:
    """Say a warning of `collisions.check` in a sentence or two."""
    return format_html(
        "<strong>Busy at {}:</strong> about {} steps at once, together with {}. {}",
        _list(collision["overlapping_minutes"]),
        f"{collision['estimated_concurrent_steps']:,.0f}",
        _list([_name(other) for other in collision["overlapping_schedules"]]),
        collision["suggestion"],
    )


def _name(other: Any) -> str:
    return str(other["name"]) if isinstance(other, dict) else str(other)


def _list(things: Sequence[Any]) -> str:
    more = len(things) - MOST_NAMED
    return ", ".join(str(thing) for thing in things[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
