"""From wall-clock times to instants: what happens where clocks change. In whole Unix seconds.

croniter's own zone handling fires a fixed time twice when clocks go back: it is only asked about clock faces.

- Hours given (`30 2 * * *`, and `0 */2 * * *` too, which names twelve): each wall-clock time once a day.
  One that the spring gap skips fires at the first instant after the gap and is marked shifted; several in
  one gap fire once, and not at all beside a real firing at that instant. One that the autumn overlap repeats
  fires the first time.
- All 24 hours (`*/15 * * * *`): elapsed time. Every real minute whose clock face matches fires, both folds;
  what a gap leaves out never happened. Where clocks move by half an hour (Lord Howe) the minute asked for is
  kept: that night `30 * * * *` comes after 30 minutes and `0 * * * *` after 90.
- A day that a zone left out (Apia, 30 December 2011) is a gap of 24 hours, and the same rules hold.
"""

from collections.abc import Iterator, Sequence

from schedules.timing.cron import Cron
from schedules.timing.timezones import pieces

LONGEST_OVERLAP = 26 * 3600

type Chunk = tuple[Sequence[int], bool]  # instants, in order; whether they were shifted out of a gap


def of_cron(cron: Cron, timezone: str, first: int, last: int) -> Iterator[Chunk]:
    """Yield the instants of an expression in that zone from first to last, both inclusive."""
    once_a_day = not cron.hour_is_wildcard
    seen = (
        None  # how far the clock's face has got: what it shows again is a repeat, what it jumps over is a gap
    )
    for begin, end, offset in pieces(timezone, first - LONGEST_OVERLAP, last):
        face = begin + offset
        if once_a_day and seen is not None:
            if first <= begin <= last and _skips(cron, seen, face):
                yield (begin,), True
            face = max(face, seen)
        seen = max(face, end + offset)
        for midnight, times in cron.walls(max(face, first + offset), min(end - 1, last) + offset):
            start = midnight - offset
            yield [start + time for time in times], False


def of_interval(every: int, origin: int, first: int, last: int) -> Iterator[Chunk]:
    """Yield origin + k * every, k >= 1, from first to last, both inclusive."""
    steps = max(1, -((origin - first) // every))
    yield range(origin + steps * every, last + 1, every), False


def of_moment(at: int, first: int, last: int) -> Iterator[Chunk]:
    """Yield the moment if it is between first and last."""
    if first <= at <= last:
        yield (at,), False


def _skips(cron: Cron, seen: int, face: int) -> bool:
    """Return whether a gap from `seen` to `face` skips a time that no instant at its end replaces."""
    return seen < face and cron.has_wall(seen, face - 1) and not cron.has_wall(face, face)
