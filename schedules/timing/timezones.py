"""Time zones as periods of constant offset.

zoneinfo does not expose transitions, so they are found by sampling once a day and bisecting, in blocks, and
cached. No IANA zone has ever changed its offset twice within four days.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

DAY = 86_400
BLOCK = 64 * DAY
NOT_PLACES = {
    "localtime",
    "posixrules",
    "Factory",
}  # files beside the zones; what they mean differs by machine

OFFSET = re.compile(r"(?:GMT|UTC)?\s*([+-])(\d{1,2})(?::?(\d\d))?", re.IGNORECASE)

type Piece = tuple[int, int, int]  # from (inclusive), to (exclusive), seconds ahead of UTC


class ZoneError(ValueError):
    """The name is not an IANA time zone; the message suggests one."""


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name. Raises ZoneError."""
    if name not in _names():
        raise ZoneError(f"{name!r} is not a time zone.{_suggestion(str(name))}")
    return ZoneInfo(name)


def names() -> list[str]:
    """Return the names of all time zones, sorted."""
    return sorted(_names())


def pieces(name: str, first: int, last: int) -> Iterator[Piece]:
    """Yield the periods of constant offset that cover first to last, in order, without gaps."""
    for block in range(first // BLOCK, last // BLOCK + 1):
        yield from _pieces_of_block(name, block)


@lru_cache(maxsize=16_384)
def _pieces_of_block(name: str, block: int) -> tuple[Piece, ...]:
    clock, begin, end = zone(name), block * BLOCK, (block + 1) * BLOCK
    days = [day for day in range(begin, end, DAY) if _offset(clock, day) != _offset(clock, day + DAY)]
    edges = [begin, *(_change(clock, day, day + DAY) for day in days), end]
    return tuple((low, high, _offset(clock, low)) for low, high in pairwise(edges) if low < high)


def _change(clock: ZoneInfo, before: int, after: int) -> int:
    """Return the first second with the later offset."""
    old = _offset(clock, before)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if _offset(clock, middle) == old else (before, middle)
    return after


def _offset(clock: ZoneInfo, second: int) -> int:
    return int(datetime.fromtimestamp(second, clock).replace(tzinfo=UTC).timestamp()) - second


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(available_timezones()) - NOT_PLACES


def _suggestion(wrong: str) -> str:
    """Return the most similar name, compared as a whole or by its last part ("paris")."""
    if offset := OFFSET.fullmatch(wrong.strip()):
        return _offset_hint(*offset.groups())
    # Etc/GMT+2 is two hours *behind* UTC; nobody who types GMT+2 means that.
    names = {name.casefold(): name for name in sorted(_names()) if not name.startswith("Etc/")}
    cities = {folded.rsplit("/", 1)[-1]: name for folded, name in names.items()}
    folded = wrong.strip().replace(" ", "_").casefold()
    for known in (names, cities):
        if near := get_close_matches(folded, known, n=1, cutoff=0.75):
            return f" Did you mean {known[near[0]]}?"
    return " Use an IANA name such as Europe/Paris, America/New_York or UTC."


def _offset_hint(sign: str, hours: str, minutes: str | None) -> str:
    """Describe what to write for an offset from UTC; the signs of the Etc zones are inverted."""
    place = "a place with its clock changes, such as Europe/Athens"
    fixed = f"Etc/GMT{'-' if sign == '+' else '+'}{int(hours)}"
    if int(hours) == 0 and int(minutes or 0) == 0:
        return " Write UTC."
    if int(minutes or 0) or fixed not in _names():
        return f" An offset is not a time zone: write {place} or Asia/Kolkata."
    ahead = "ahead of" if sign == "+" else "behind"
    return f" For {int(hours)} h {ahead} UTC all year write {fixed} (its sign is reversed), or {place}."
