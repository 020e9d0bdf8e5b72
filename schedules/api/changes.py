"""Changes to schedules for the API and the agents' tools: typed requests in, rows with warnings out."""

from datetime import datetime

from pydantic import ConfigDict, PrivateAttr

from schedules.api.schemas.examples import SAVED
from schedules.api.schemas.requests import NewSchedule, ScheduleChanges, columns
from schedules.api.schemas.schedules import ScheduleRow, schedule_row, schedule_version, standing_warnings
from schedules.api.schemas.upcoming import step_warnings
from schedules.forecast import collisions
from schedules.models import Schedule
from schedules.services import lookups, schedules
from schedules.services.actor import Actor
from schedules.states import ScheduleStatus
from stagent.lib.api.types import Row, Warnings
from stagent.lib.api.versions import ANY, ExpectedVersions


class Saved(Row):
    """A schedule that was created or changed, and its warnings."""

    model_config = ConfigDict(json_schema_extra={"example": SAVED})

    schedule: ScheduleRow
    warnings: Warnings
    _version: str = PrivateAttr(default="")

    @property
    def version(self) -> str:
        """The If-Match value of the schedule in this state."""
        return self._version


def create(asked: NewSchedule, actor: Actor, now: datetime) -> Saved:
    """Create a schedule owned by the actor."""
    return saved(schedules.create(columns(asked), actor, now), now)


def restore(asked: NewSchedule, reason: str, actor: Actor, now: datetime) -> Saved:
    """Create a schedule with the status of a file: paused with a reason, completed, or active past its
    moment.
    """
    return saved(schedules.restore(columns(asked), asked.status, reason, actor, now), now)


def explain_pause(schedule_id: str, reason: str, actor: Actor) -> Saved:
    """Set the reason of a paused schedule."""
    schedules.explain_pause(schedule_id, reason, actor)
    return Saved(schedule=schedule_row(lookups.schedule(schedule_id)), warnings=[])


def change(
    schedule_id: str, asked: ScheduleChanges, actor: Actor, now: datetime, expected: ExpectedVersions = ANY
) -> Saved:
    """Change the given fields, all or none, if the schedule has the expected version."""
    changed = schedules.change(
        schedule_id,
        lambda schedule: columns(asked, present=schedule),
        asked.model_fields_set,
        actor,
        now,
        expected,
        schedule_version,
    )
    return saved(changed, now)


def pause(schedule_id: str, reason: str, actor: Actor, now: datetime) -> ScheduleRow:
    """Pause an active schedule; a paused one is unchanged."""
    schedules.pause(schedule_id, reason, actor, now)
    return schedule_row(lookups.schedule(schedule_id))


def resume(schedule_id: str, actor: Actor, now: datetime) -> ScheduleRow:
    """Resume a paused schedule; an active one is unchanged."""
    schedules.resume(schedule_id, actor, now)
    return schedule_row(lookups.schedule(schedule_id))


def saved(schedule: Schedule, now: datetime) -> Saved:
    """Return the row of a schedule after a change, with its collisions."""
    fresh = lookups.schedules().get(pk=schedule.pk)
    found = collisions.check(fresh, now) if fresh.status == ScheduleStatus.ACTIVE else []
    shown = Saved(
        schedule=schedule_row(fresh), warnings=standing_warnings(fresh) + step_warnings(fresh) + found
    )
    shown._version = schedule_version(fresh)
    return shown
