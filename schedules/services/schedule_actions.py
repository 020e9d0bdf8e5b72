"""Making, changing, pausing and deleting schedules, in somebody's name: the API's and the tools' one way."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from pydantic import ConfigDict, PrivateAttr

from schedules.api import lookups
from schedules.api.schemas.examples import SAVED
from schedules.api.schemas.requests import NewSchedule, ScheduleChanges, columns
from schedules.api.schemas.schedules import ScheduleRow, schedule_row, schedule_version, standing_warnings
from schedules.api.schemas.upcoming import step_warnings
from schedules.errors import NotAllowed
from schedules.forecast import collisions
from schedules.models import Schedule
from schedules.models.schedule import KEY_TAKEN, LONGEST_REASON
from schedules.services import edit_schedule
from schedules.services.actor import Actor
from schedules.states import ScheduleStatus
from schedules.transitions import pause as pause_active
from schedules.transitions import remove as remove_schedule
from schedules.transitions import restore as restore_standing
from schedules.transitions import resume as resume_paused
from stagent.lib.api.types import Row, Warnings
from stagent.lib.api.versions import ANY, Expected
from stagent.lib.log import audit_log
from stagent.lib.problems import invalid, of_model, typed

BY_ITSELF = "A schedule completes by itself, when no instant is left: give it an `ends_at` or `max_firings`."
TAKEN_OVER = " Its agents act in their name now."
OVER = "It is over: no instant is left. Give it a new time instead."


class Saved(Row):
    """A schedule that was made or changed, and what is worth knowing about it."""

    model_config = ConfigDict(json_schema_extra={"example": SAVED})

    schedule: ScheduleRow
    warnings: Warnings
    _version: str = PrivateAttr(default="")

    @property
    def version(self) -> str:
        """What If-Match takes for the schedule as it is shown here."""
        return self._version


def create(asked: NewSchedule, actor: Actor, now: datetime) -> Saved:
    """Make a schedule that is its maker's."""
    actor.must_have("add_schedule")
    values = columns(asked) | {"owner": actor.user}
    if asked.status == ScheduleStatus.COMPLETED:
        raise invalid({"status": BY_ITSELF})
    with transaction.atomic():
        schedule = _save(Schedule(), values, now)
        actor.note(schedule, audit_log.ADDITION, "Added.")
    return saved(schedule, now)


def restore(asked: NewSchedule, reason: str, actor: Actor, now: datetime) -> Saved:
    """Make a schedule as a file has kept it: paused for a reason, completed, or active past its moment."""
    actor.must_have("add_schedule")
    values = columns(asked) | {"owner": actor.user, "status": ScheduleStatus.PAUSED}
    with transaction.atomic():
        schedule = _save(Schedule(), values, now)
        restore_standing(schedule.pk, asked.status, reason=reason, now=now)
        actor.note(schedule, audit_log.ADDITION, "Added.")
    return saved(schedule, now)


def explain_pause(schedule_id: str, reason: str, actor: Actor) -> Saved:
    """Put a reason on a paused schedule."""
    actor.must_have("change_schedule")
    schedule = lookups.schedule(schedule_id)
    paused = Schedule.objects.filter(pk=schedule.pk, status=ScheduleStatus.PAUSED)
    paused.update(paused_reason=reason)
    return Saved(schedule=schedule_row(lookups.schedule(schedule_id)), warnings=[])


def change(
    schedule_id: str, asked: ScheduleChanges, actor: Actor, now: datetime, expected: Expected = ANY
) -> Saved:
    """Change the fields that were given, all or none, if the schedule is as it is expected to be."""
    actor.must_have("change_schedule")
    with transaction.atomic():
        schedule = _locked(schedule_id)
        expected.require(schedule_version(schedule))
        values = columns(asked, present=schedule)
        status = values.pop("status", None)
        taken = edit_schedule.change_owner(schedule, values, actor.user)
        _save(schedule, values | taken, now)
        if status is not None:
            _set_status(schedule, status, actor, now)
        names = ", ".join(sorted(asked.model_fields_set)) or "nothing"
        actor.note(schedule, audit_log.CHANGE, f"Changed {names}.{TAKEN_OVER if taken else ''}")
    return saved(schedule, now)


def pause(schedule_id: str, reason: str, actor: Actor, now: datetime) -> ScheduleRow:
    """Pause an active schedule; one that is paused stays as it is."""
    actor.must_have("change_schedule")
    schedule, reason = lookups.schedule(schedule_id), typed("reason", reason, LONGEST_REASON)
    with transaction.atomic():
        if pause_active(schedule.pk, now=now, reason=reason or _paused_by(actor)):
            actor.note(schedule, audit_log.CHANGE, f"Paused. {reason}".strip())
        elif _now_is(schedule) == ScheduleStatus.COMPLETED:
            raise NotAllowed("schedule_completed", OVER)
    return schedule_row(lookups.schedule(schedule_id))


def resume(schedule_id: str, actor: Actor, now: datetime) -> ScheduleRow:
    """Let a paused schedule go on from now; one that is active stays as it is."""
    actor.must_have("change_schedule")
    schedule = lookups.schedule(schedule_id)
    with transaction.atomic():
        if resume_paused(schedule.pk, now=now):
            actor.note(schedule, audit_log.CHANGE, "Resumed.")
        elif _now_is(schedule) == ScheduleStatus.COMPLETED:
            raise NotAllowed("schedule_completed", OVER)
    return schedule_row(lookups.schedule(schedule_id))


def remove(schedule_id: str, actor: Actor, now: datetime) -> None:
    """Delete a schedule: queued runs are withdrawn, running ones asked to stop, its history stays."""
    actor.must_have("delete_schedule")
    schedule = lookups.schedule(schedule_id)
    with transaction.atomic():
        if not remove_schedule(schedule.pk, now=now):
            raise lookups.missing("schedule", schedule_id)
        actor.note(schedule, audit_log.DELETION, "Deleted.")


def saved(schedule: Schedule, now: datetime) -> Saved:
    """Show a schedule after a change, with the collisions it would have."""
    fresh = lookups.schedules().get(pk=schedule.pk)
    fires = fresh.status == ScheduleStatus.ACTIVE
    found = collisions.check(fresh, now) if fires else []
    told = Saved(
        schedule=schedule_row(fresh), warnings=standing_warnings(fresh) + step_warnings(fresh) + found
    )
    told._version = schedule_version(fresh)
    return told


def _locked(schedule_id: str) -> Schedule:
    """Hold the row, so that of two changes at once the second sees the first."""
    found = lookups.schedule(schedule_id)
    schedule = Schedule.objects.select_for_update().filter(pk=found.pk).first()
    if schedule is None:
        raise lookups.missing("schedule", schedule_id)
    return schedule


def _save(schedule: Schedule, values: dict[str, object], now: datetime) -> Schedule:
    try:
        return edit_schedule.save(schedule, values, now=now)
    except ValidationError as error:
        raise of_model(error) from None
    except IntegrityError:
        if not values.get("key"):
            raise
        raise invalid({"key": KEY_TAKEN}) from None  # by somebody who was quicker than our look


def _set_status(schedule: Schedule, status: ScheduleStatus, actor: Actor, now: datetime) -> None:
    """Pause or resume as part of a change; any other wish that is not so already is refused."""
    if status == ScheduleStatus.PAUSED:
        pause_active(schedule.pk, now=now, reason=_paused_by(actor))
    elif status == ScheduleStatus.ACTIVE:
        resume_paused(schedule.pk, now=now)
    if _now_is(schedule) != status:
        raise invalid({"status": BY_ITSELF if status == ScheduleStatus.COMPLETED else OVER})


def _paused_by(actor: Actor) -> str:
    return f"Paused by {actor}."


def _now_is(schedule: Schedule) -> str | None:
    return Schedule.objects.filter(pk=schedule.pk).values_list("status", flat=True).first()
