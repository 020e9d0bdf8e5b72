"""The columns of a schedule that a forecast needs, as a tuple: a tenth of the cost of a model instance."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import NamedTuple

from schedules.models.schedule import ScheduleQuerySet
from schedules.timing.recurrence import Recurrence


class _Columns(NamedTuple):
    pk: int
    name: str
    project_id: int | None
    profile_id: int
    kind: str
    cron: str
    every_sec: int | None
    at: datetime | None
    timezone: str
    anchor_at: datetime | None
    starts_at: datetime | None
    ends_at: datetime | None
    active_from: time | None
    active_until: time | None
    max_firings: int | None
    firing_count: int
    jitter_sec: int
    misfire_grace_sec: int | None
    overlap_policy: str
    priority: int
    pool_id: str | None
    max_turns: int | None
    max_run_duration_sec: int | None
    avg_turns_per_firing: float | None
    avg_duration_ms: float | None


class ScheduleSummary(_Columns):
    """The columns, and the model's properties that depend on them."""

    __slots__ = ()

    @property
    def recurrence(self) -> Recurrence:
        return Recurrence(
            cron=self.cron,
            every_sec=self.every_sec,
            at=self.at,
            timezone=self.timezone,
            anchor=self.anchor_at,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
        )

    @property
    def firings_left(self) -> int | None:
        if self.max_firings is None or self.at is not None:
            return None
        return max(0, self.max_firings - self.firing_count)

    def grace(self, default: timedelta) -> timedelta:
        """Return how late an instant may fire and still be on time."""
        return default if self.misfire_grace_sec is None else timedelta(seconds=self.misfire_grace_sec)


def load_rows(schedules: ScheduleQuerySet) -> Iterator[ScheduleSummary]:
    """Yield the schedules of a query as tuples."""
    return map(ScheduleSummary._make, schedules.values_list(*ScheduleSummary._fields))
