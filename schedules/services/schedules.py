"""Use cases of a schedule: create, change (PATCH), pause, resume, duplicate, restore, remove.

The API, the agents' tools, the console and the schedule file call them with an `Actor`. Each writes the audit
log in its own transaction. Raises `Problem`, `NotAllowed` or `ValidationError` and changes nothing.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from schedules.errors import NotAllowed
from schedules.models import Schedule
from schedules.models.schedule import KEY_TAKEN, LONGEST_REASON, NAME_CHARS
from schedules.services import lookups, schedule_writer
from schedules.services.actor import Actor
from schedules.states import ScheduleStatus
from schedules.timing import when_text
from schedules.transitions import forgive
from schedules.transitions import pause as pause_active
from schedules.transitions import remove as remove_schedule
from schedules.transitions import restore as restore_status
from schedules.transitions import resume as resume_paused
from stagent.lib.api.versions import ANY, ExpectedVersions
from stagent.lib.log import audit_log
from stagent.lib.names import copy_name
from stagent.lib.problems import clean_input, from_model_error, invalid

BY_ITSELF = "A schedule is completed by the system when no instant is left: set `ends_at` or `max_firings`."
NEW_OWNER = " Its agents now act for this user."
OVER = "The schedule is completed: no instant is left. Set a new time instead."
COPIED = (
    "project", "prompt", "profile", "kind", "timezone", "starts_at", "ends_at", "max_firings", "jitter_sec",
    "active_from", "active_until", "overlap_policy", "misfire_policy", "misfire_grace_sec", "max_retries",
    "retry_delay_sec", "retry_horizon_sec", "priority", "pool", "max_turns", "max_run_duration_sec",
    "max_cost_usd", "deliver_to_chat", "webhook_url", "email",
)  # fmt: skip

type Values = dict[str, Any]


def create(values: Values, actor: Actor, now: datetime) -> Schedule:
    """Create a schedule owned by the actor."""
    actor.must_have("add_schedule")
    if values.get("status") == ScheduleStatus.COMPLETED:
        raise invalid({"status": BY_ITSELF})
    with transaction.atomic():
        schedule = _save(Schedule(), values | {"owner": actor.user}, now)
        actor.log(schedule, audit_log.ADDITION, "Added.")
    return schedule


def restore(values: Values, status: ScheduleStatus, reason: str, actor: Actor, now: datetime) -> Schedule:
    """Create a schedule with the status of a file: paused with a reason, completed, or active past its
    moment.
    """
    actor.must_have("add_schedule")
    owned = values | {"owner": actor.user, "status": ScheduleStatus.PAUSED}
    with transaction.atomic():
        schedule = _save(Schedule(), owned, now)
        restore_status(schedule.pk, status, reason=reason, now=now)
        actor.log(schedule, audit_log.ADDITION, "Added.")
    return schedule


def explain_pause(schedule_id: str, reason: str, actor: Actor) -> Schedule:
    """Set the reason of a paused schedule."""
    actor.must_have("change_schedule")
    schedule = lookups.schedule(schedule_id)
    paused = Schedule.objects.filter(pk=schedule.pk, status=ScheduleStatus.PAUSED)
    paused.update(paused_reason=reason)
    return schedule


def change(
    schedule_id: str,
    values_for: Callable[[Schedule], Values],
    changed: Iterable[str],
    actor: Actor,
    now: datetime,
    expected: ExpectedVersions = ANY,
    version: Callable[[Schedule], str] = str,
) -> Schedule:
    """Change the given fields, all or none, if the locked row has the expected version."""
    actor.must_have("change_schedule")
    with transaction.atomic():
        schedule = _locked(schedule_id)
        expected.require(version(schedule))
        values = values_for(schedule)
        status = values.pop("status", None)
        owner = schedule_writer.change_owner(schedule, values, actor.user)
        _save(schedule, values | owner, now)
        if status is not None:
            _set_status(schedule, status, actor, now)
        names = ", ".join(sorted(changed)) or "nothing"
        actor.log(schedule, audit_log.CHANGE, f"Changed {names}.{NEW_OWNER if owner else ''}")
    return schedule


def pause(schedule_id: str, reason: str, actor: Actor, now: datetime) -> bool:
    """Pause an active schedule; return whether it was active. Raises `NotAllowed` if it is completed."""
    actor.must_have("change_schedule")
    schedule, reason = lookups.schedule(schedule_id), clean_input("reason", reason, LONGEST_REASON)
    with transaction.atomic():
        paused = bool(pause_active(schedule.pk, now=now, reason=reason or _paused_by(actor)))
        if paused:
            actor.log(schedule, audit_log.CHANGE, f"Paused. {reason}".strip())
        else:
            _refuse_completed(schedule)
    return paused


def resume(schedule_id: str, actor: Actor, now: datetime) -> bool:
    """Resume a paused schedule; return whether it was paused. Raises `NotAllowed` if it is completed."""
    actor.must_have("change_schedule")
    schedule = lookups.schedule(schedule_id)
    with transaction.atomic():
        resumed = bool(resume_paused(schedule.pk, now=now))
        if resumed:
            actor.log(schedule, audit_log.CHANGE, "Resumed.")
        else:
            _refuse_completed(schedule)
    return resumed


def reset_streaks(schedule: Schedule, actor: Actor) -> None:
    """Reset the failure streaks."""
    actor.must_have("change_schedule")
    with transaction.atomic():
        forgive(schedule.pk)
        actor.log(schedule, audit_log.CHANGE, "Reset its streaks.")


def duplicate(schedule: Schedule, actor: Actor, now: datetime) -> Schedule:
    """Create a paused copy, so that nothing fires before a person has checked it."""
    actor.must_have("add_schedule")
    values = {name: getattr(schedule, name) for name in COPIED}
    paused = {"status": ScheduleStatus.PAUSED, "paused_reason": "Copied. Resume it when it is ready."}
    copies = set(Schedule.objects.filter(name__endswith=")").values_list("name", flat=True))
    own = {"name": copy_name(schedule.name, "copy", NAME_CHARS, copies), "owner": actor.user}
    with transaction.atomic():
        copy = schedule_writer.save(Schedule(), values | paused | own | _timing(schedule), now=now)
        actor.log(copy, audit_log.ADDITION, f"Copied from {schedule.name}.")
    return copy


def remove(schedule_id: str, actor: Actor, now: datetime) -> None:
    """Delete a schedule: cancel its queued runs, request that running ones stop, keep its history."""
    actor.must_have("delete_schedule")
    schedule = lookups.schedule(schedule_id)
    with transaction.atomic():
        if not remove_schedule(schedule.pk, now=now):
            raise lookups.missing("schedule", schedule_id)
        actor.log(schedule, audit_log.DELETION, "Deleted.")


def _locked(schedule_id: str) -> Schedule:
    """Lock the row, so that concurrent changes see each other."""
    found = lookups.schedule(schedule_id)
    schedule = Schedule.objects.select_for_update().filter(pk=found.pk).first()
    if schedule is None:
        raise lookups.missing("schedule", schedule_id)
    return schedule


def _save(schedule: Schedule, values: Values, now: datetime) -> Schedule:
    try:
        return schedule_writer.save(schedule, values, now=now)
    except ValidationError as error:
        raise from_model_error(error) from None
    except IntegrityError:
        if not values.get("key"):
            raise
        raise invalid({"key": KEY_TAKEN}) from None  # taken between the check and the insert


def _set_status(schedule: Schedule, status: ScheduleStatus, actor: Actor, now: datetime) -> None:
    """Pause or resume as part of a change. Raises for a status that cannot be set."""
    if status == ScheduleStatus.PAUSED:
        pause_active(schedule.pk, now=now, reason=_paused_by(actor))
    elif status == ScheduleStatus.ACTIVE:
        resume_paused(schedule.pk, now=now)
    if _status_of(schedule) != status:
        raise invalid({"status": BY_ITSELF if status == ScheduleStatus.COMPLETED else OVER})


def _refuse_completed(schedule: Schedule) -> None:
    if _status_of(schedule) == ScheduleStatus.COMPLETED:
        raise NotAllowed("schedule_completed", OVER)


def _status_of(schedule: Schedule) -> str | None:
    return Schedule.objects.filter(pk=schedule.pk).values_list("status", flat=True).first()


def _paused_by(actor: Actor) -> str:
    return f"Paused by {actor}."


def _timing(schedule: Schedule) -> Values:
    if schedule.at:
        return {"at": schedule.at}
    return when_text.read(when_text.show(schedule), schedule.timezone)
