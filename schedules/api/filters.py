"""The filters of the lists, named after the fields they apply to."""

from typing import Any

from django.db.models import QuerySet
from pydantic import Field

from agents.states import FailureReason
from schedules.models import Firing, Run, Schedule
from schedules.models.firing import reaching
from schedules.states import FiringKind, Outcome, RunStatus, ScheduleKind, ScheduleStatus, Source
from stagent.lib.api.listing import CursorQuery, PageQuery
from stagent.lib.api.types import Text, Timestamp, parse_id

NO_ROW = -1  # what an id that can be none is compared with: unknown ids find nothing


class ScheduleFilter(CursorQuery):
    status: ScheduleStatus | None = None
    kind: ScheduleKind | None = None
    profile: Text | None = Field(default=None, description="Slug.")
    project: Text | None = Field(default=None, description="Id.")
    search: Text | None = Field(default=None, description="Part of the name.")

    def among(self, rows: QuerySet[Schedule]) -> QuerySet[Schedule]:
        """Return the schedules that match."""
        return _fitting(self, rows, profile="profile__slug", search="name__icontains")


class _About(CursorQuery):
    """The shared filters of firings and runs."""

    failure_reason: FailureReason | None = None
    since: Timestamp | None = Field(default=None, description="From this moment, inclusive.")
    until: Timestamp | None = Field(default=None, description="Before this moment.")


class OwnFiringFilter(_About):
    """Firings of one schedule."""

    kind: FiringKind | None = None
    outcome: Outcome | None = None
    run_id: Text | None = None

    def among(self, rows: QuerySet[Firing]) -> QuerySet[Firing]:
        """Return the firings that match; since and until apply to their instants, one or several."""
        if self.since is not None:
            rows = rows.filter(reaching(self.since))
        return _fitting(self, rows, since="", until="nominal_at__lt", run_id="run__pk")


class FiringFilter(OwnFiringFilter):
    schedule_id: Text | None = None


class RunFilter(_About):
    schedule_id: Text | None = None
    status: RunStatus | None = None
    source: Source | None = None
    forced: bool | None = None
    firing_id: Text | None = None
    profile: Text | None = Field(default=None, description="Slug.")
    project: Text | None = Field(default=None, description="Id.")

    def among(self, rows: QuerySet[Run]) -> QuerySet[Run]:
        """Return the runs that match; since and until apply to queued_at."""
        return _fitting(self, rows, since="queued_at__gte", until="queued_at__lt", profile="profile__slug")


def _fitting[Rows: QuerySet[Any]](asked: PageQuery, rows: Rows, **lookups: str) -> Rows:
    """Apply the given filters; `lookups` names the ones that differ from their column."""
    conditions = asked.conditions()
    for name in ("schedule_id", "run_id", "firing_id", "project"):
        if name in conditions:
            conditions[name] = parse_id(conditions[name]) or NO_ROW
    columns = {lookups.get(name, name): value for name, value in conditions.items()}
    columns.pop("", None)
    return rows.filter(**columns)
