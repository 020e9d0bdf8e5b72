"""When a schedule is due. Pure: no database, no clock; every moment is an argument and aware.

`wall_clock` converts wall-clock times to instants, daylight saving included.
"""

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from schedules.timing.cron import END_OF_TIME, HORIZON, START_OF_TIME, parse
from schedules.timing.timezones import ZoneError, zone
from schedules.timing.wall_clock import Chunk, of_cron, of_interval, of_moment

__all__ = ["Instant", "Recurrence", "ZoneError", "jittered"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MILLISECOND = timedelta(milliseconds=1)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Instant:
    """A nominal moment in UTC; dst_shifted if its wall-clock time did not exist that day."""

    at: datetime
    dst_shifted: bool = False


@dataclass(frozen=True)
class Recurrence:
    """The instants of a schedule: one of cron, every_sec and at, from starts_at to ends_at, both inclusive.

    Instants of every_sec are anchor + k * every_sec, k >= 1; without an anchor they count from 1970. Raises
    CronError, ZoneError or ValueError for invalid values when it is created.
    """

    cron: str = ""
    every_sec: int | None = None
    at: datetime | None = None
    timezone: str = "UTC"
    anchor: datetime | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def __post_init__(self) -> None:
        if bool(self.cron) + (self.every_sec is not None) + (self.at is not None) != 1:
            raise ValueError("A recurrence is exactly one of cron, every_sec and at.")
        if self.every_sec is not None and self.every_sec < 1:
            raise ValueError("every_sec is at least 1.")
        for moment in (self.at, self.anchor, self.starts_at, self.ends_at):
            if moment is not None and moment.utcoffset() is None:
                raise ValueError(f"{moment} has no time zone: hand in an aware datetime.")
        zone(self.timezone)
        if self.cron:
            parse(self.cron)

    def next_after(self, after: datetime) -> Instant | None:
        """Return the first instant strictly after a moment; None if there is none within 50 years."""
        return next(self._instants(after), None)

    def upcoming(self, after: datetime, count: int) -> list[Instant]:
        """Return the next few instants strictly after a moment."""
        return list(islice(self._instants(after), count))

    def all_after(self, after: datetime) -> Iterator[Instant]:
        """Yield the instants strictly after a moment, lazily."""
        return self._instants(after)

    def between(self, after: datetime, until: datetime, limit: int = 10_000) -> list[Instant]:
        """Return the oldest `limit` instants after `after` (exclusive) up to `until` (inclusive)."""
        return list(islice(self._instants(after, until), limit))

    def stamps(self, after: datetime, until: datetime) -> list[int]:
        """Return the same instants as whole Unix seconds; several times faster, for forecasts."""
        return [second for chunk, _ in self._chunks(after, until) for second in chunk]

    def newest(self, after: datetime, until: datetime, keep: int) -> tuple[list[Instant], int]:
        """Return the newest `keep` of these instants, in order, and their total number."""
        kept: deque[tuple[int, bool]] = deque(maxlen=keep)
        total = 0
        for seconds, shifted in self._chunks(after, until):
            total += len(seconds)
            kept.extend((second, shifted) for second in seconds[max(0, len(seconds) - keep) :])
        fraction = self._fraction
        return [_instant(second, fraction, shifted) for second, shifted in kept], total

    def period(self, at: datetime) -> timedelta | None:
        """Return the time between the first nominal instant from `at` on and the following one.

        This is the period of the recurrence, not the time to the next firing; starts_at and ends_at are
        ignored.
        """
        endless = Recurrence(self.cron, self.every_sec, self.at, self.timezone, self.anchor)
        pair = endless.upcoming(at - MICROSECOND, 2)
        return pair[1].at - pair[0].at if len(pair) == 2 else None

    def _instants(self, after: datetime, until: datetime | None = None) -> Iterator[Instant]:
        fraction = self._fraction
        for seconds, shifted in self._chunks(after, until):
            for second in seconds:
                yield _instant(second, fraction, shifted)

    def _chunks(self, after: datetime, until: datetime | None) -> Iterator[Chunk]:
        """Clip to starts_at and ends_at, and convert to whole seconds."""
        if self.starts_at is not None:
            after = max(after, self.starts_at - MICROSECOND)
        if self.ends_at is not None:
            until = self.ends_at if until is None else min(until, self.ends_at)
        first = max(self._whole(after) + 1, START_OF_TIME)
        last = END_OF_TIME if until is None else min(self._whole(until), END_OF_TIME)
        return self._nominal(first, last) if first <= last else iter(())

    def _nominal(self, first: int, last: int) -> Iterator[Chunk]:
        if self.at is not None:
            return of_moment(self._whole(self.at), first, last)
        if self.every_sec is not None:
            return of_interval(self.every_sec, self._whole(self.anchor or EPOCH), first, last)
        return of_cron(parse(self.cron), self.timezone, first, min(last, first + HORIZON))

    def _whole(self, moment: datetime) -> int:
        """Return the last whole second, plus the fraction of the anchor, that is not after a moment."""
        return (moment - EPOCH - self._fraction) // SECOND

    @property
    def _fraction(self) -> timedelta:
        """The microseconds of all instants: those of `at` or of the anchor."""
        origin = self.at or (self.anchor if self.every_sec else None)
        return MICROSECOND * origin.microsecond if origin else timedelta()


def _instant(second: int, fraction: timedelta, shifted: bool) -> Instant:
    return Instant(datetime.fromtimestamp(second, UTC) + fraction, shifted)


def jittered(schedule_id: int, nominal: datetime, jitter_sec: int, next_nominal: datetime | None) -> datetime:
    """Return when to fire: up to jitter_sec late, deterministic, and before the next nominal instant."""
    room = jitter_sec * 1000
    if next_nominal is not None:
        room = min(room, (next_nominal - nominal) // MILLISECOND - 1)
    if room <= 0:
        return nominal
    digest = hashlib.blake2b(f"{schedule_id} {nominal.timestamp()}".encode(), digest_size=8).digest()
    return nominal + MILLISECOND * (int.from_bytes(digest) % (room + 1))
