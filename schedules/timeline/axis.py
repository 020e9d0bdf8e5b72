"""The time axis: positions of moments, and the full hours of a zone's clock."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from itertools import pairwise

QUARTER = timedelta(minutes=15)  # every zone's full hours fall on one


@dataclass(frozen=True)
class Axis:
    """A period in a time zone, mapped to 0 to 100 percent."""

    since: datetime
    until: datetime
    zone: tzinfo

    def x(self, moment: datetime) -> float:
        """Return the position of a moment in percent, clamped to the ends."""
        share = (moment - self.since) / (self.until - self.since)
        return 100 * min(1.0, max(0.0, share))

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)

    @cached_property
    def hours(self) -> list[datetime]:
        """The full local hours between the ends; an hour that a clock change repeats appears twice."""
        return [self.local(moment) for moment in self._quarters() if self.local(moment).minute == 0]

    def _quarters(self) -> Iterator[datetime]:
        moment = self.since.astimezone(UTC)
        moment = moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)
        while (moment := moment + QUARTER) < self.until:
            yield moment

    @cached_property
    def cells(self) -> list[tuple[datetime, datetime]]:
        """The periods between full hours; the first and the last are shorter."""
        edges = [self.since, *self.hours, self.until]
        return list(pairwise(edges))
