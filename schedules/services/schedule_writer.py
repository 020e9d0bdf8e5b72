"""Validates the columns of a schedule and writes it; the use cases in `services.schedules` call it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction

from agents.approvals import standing
from schedules.models import Run, Schedule
from schedules.states import ScheduleKind, ScheduleStatus
from schedules.timing.cron import CronError, parse
from schedules.timing.phrases import parse_when
from schedules.timing.recurrence import Recurrence, ZoneError
from schedules.transitions.schedules.fire import lock_recorded, record_move
from schedules.transitions.schedules.next_instant import MICROSECOND, corrected, fire_at
from schedules.transitions.schedules.status import restarted
from stagent.lib import wakeup
from stagent.lib.names import BLANK
from stagent.lib.text import is_blank

WHEN = ("cron", "interval", "at")
SAY_WHEN = "Enter when to run: a cron expression, an interval such as “every 5m”, or a moment."
WORK = ("prompt", "profile", "project")  # what an agent is to do, and what it has at hand for it
FOLLOWS = ("max_turns_set_at", "owner")  # not typed by anybody, but written with what is
RHYTHM = ("cron", "every_sec", "at", "anchor_at", "timezone", "starts_at", "ends_at", "max_firings")
TIMING = {*RHYTHM, "jitter_sec"}
QUIET = ("kind", "active_from", "active_until")
# By these it is decided what becomes of an instant: one that is due is decided about by the old ones.
DECIDING = (*RHYTHM, *QUIET, "overlap_policy", "misfire_policy", "misfire_grace_sec")


def save(schedule: Schedule, changes: Mapping[str, Any], *, now: datetime) -> Schedule:
    """Create or change a schedule; `changes` are columns, and `cron`, `interval` (a phrase) or `at`.

    Raises `ValidationError` with a message for each invalid field and writes nothing. An edit of the timing
    never fires for an instant before the edit.
    """
    prepare(schedule, changes, now=now)
    with transaction.atomic():
        if schedule._state.adding:
            _insert(schedule, now)
        else:
            _update(schedule, now)
        wakeup.notify()
    return schedule


def prepare(schedule: Schedule, changes: Mapping[str, Any], *, now: datetime) -> dict[str, Any] | None:
    """Apply and validate the changes without writing; return the timing before them."""
    before = _timing(schedule) if schedule.pk else None
    _apply(schedule, changes, now)
    schedule.full_clean(validate_constraints=False)  # next_fire_at follows further down
    if is_blank(schedule.prompt):
        raise ValidationError({"prompt": BLANK})
    _check(schedule, before, now)
    return before


def change_owner(schedule: Schedule, changes: Mapping[str, Any], editor: AbstractBaseUser) -> dict[str, Any]:
    """Return the new owner if another user changes the work: an agent never runs in the name of someone who
    did not write its prompt.

    Runs that are queued already keep their owner. Call it in the transaction of the edit.
    """
    rewritten = any(name in changes and changes[name] != getattr(schedule, name) for name in WORK)
    if not rewritten or schedule.owner_id == editor.pk:
        return {}
    queued = Run.objects.unfinished().filter(schedule=schedule, requested_by=None)
    queued.update(requested_by=schedule.owner_id)
    return {"owner": editor}


def draft(changes: Mapping[str, Any], *, now: datetime) -> Schedule:
    """Return an unsaved schedule with this timing, validated as `save` does."""
    schedule = Schedule()
    _apply(schedule, changes, now)
    schedule.clean_fields(exclude={"name", "prompt", "profile"})
    _check(schedule, None, now)
    return schedule


def _timing(schedule: Schedule) -> dict[str, Any]:
    return {name: getattr(schedule, name) for name in TIMING}


def _apply(schedule: Schedule, changes: Mapping[str, Any], now: datetime) -> None:
    if given := [name for name in WHEN if changes.get(name)]:
        _set_when(schedule, given, changes, now)
    elif cleared := [name for name in WHEN if name in changes and getattr(schedule, name)]:
        raise ValidationError({cleared[0]: SAY_WHEN})
    if "max_turns" in changes and (schedule.pk is None or changes["max_turns"] != schedule.max_turns):
        schedule.max_turns_set_at = now if changes["max_turns"] is not None else None
    for name, value in changes.items():
        if name not in WHEN:
            setattr(schedule, name, value)


def _set_when(schedule: Schedule, given: list[str], changes: Mapping[str, Any], now: datetime) -> None:
    if len(given) > 1:
        raise ValidationError({given[1]: f"Set {given[0]} or {given[1]}, not both."})
    name, value = given[0], changes[given[0]]
    every_sec = None
    cron, at, words = "", None, ""
    try:
        if name == "at":
            at = value
        elif name == "cron":
            cron = parse(value).expression
        else:
            when = parse_when(value)
            cron, every_sec, words = when.cron, when.every_sec, value.strip()
    except CronError as error:
        raise ValidationError({name: str(error)}) from None
    if every_sec != schedule.every_sec or schedule.anchor_at is None:
        schedule.anchor_at = now if every_sec else None
    schedule.cron, schedule.every_sec, schedule.at, schedule.interval = cron, every_sec, at, words


def _check(schedule: Schedule, before: dict[str, Any] | None, now: datetime) -> None:
    """Reject a timing that can never fire, with the invalid field."""
    if not (schedule.cron or schedule.every_sec or schedule.at):
        raise ValidationError({"cron": SAY_WHEN})
    try:
        recurrence = schedule.recurrence
    except ZoneError as error:
        raise ValidationError({"timezone": str(error)}) from None
    except (CronError, ValueError) as error:
        raise ValidationError({"cron": str(error)}) from None
    if schedule.starts_at and schedule.ends_at and schedule.ends_at <= schedule.starts_at:
        raise ValidationError({"ends_at": "The end is before the start."})
    if (schedule.active_from is None) != (schedule.active_until is None):
        raise ValidationError({"active_until": "Set both the start and the end of the active hours."})
    if schedule.active_from is not None and schedule.kind != ScheduleKind.HEARTBEAT:
        raise ValidationError({"active_from": "Only heartbeat schedules have active hours."})
    if _timing(schedule) != before and schedule.status == ScheduleStatus.ACTIVE:
        _check_it_fires(schedule, recurrence, now)


def _check_it_fires(schedule: Schedule, recurrence: Recurrence, now: datetime) -> None:
    if schedule.firings_left == 0 or recurrence.next_after(now) is not None:
        return
    if schedule.at is not None and schedule.at == schedule.next_nominal_at:
        now = schedule.at - MICROSECOND  # it is due already, and waits for its turn
        if recurrence.next_after(now) is not None:
            return
    if schedule.at is not None and schedule.at > now:
        outside = "starts_at" if schedule.starts_at and schedule.at < schedule.starts_at else "ends_at"
        raise ValidationError({outside: f"“at” lies outside: {schedule.at:%Y-%m-%d %H:%M:%S %Z}."})
    if schedule.at is not None:
        raise ValidationError({"at": "This moment is in the past."})
    if schedule.ends_at is not None:
        raise ValidationError({"ends_at": "There is no instant between now and the end."})
    raise ValidationError({"cron": "It never fires."})


def _insert(schedule: Schedule, now: datetime) -> None:
    following = schedule.recurrence.next_after(now) if schedule.status == ScheduleStatus.ACTIVE else None
    # The jitter of the first instant depends on the id, which the first save gives.
    schedule.next_nominal_at = schedule.next_fire_at = following.at if following else None
    schedule.save()
    schedule.created_at = now  # by the clock that instants are compared with
    counts = restarted(schedule, now) if schedule.status != ScheduleStatus.PAUSED else {}
    _update_columns(schedule, {"created_at": now} | counts)


def _update(schedule: Schedule, now: datetime) -> None:
    """Save the columns that a person may change, not those of the tick and the streaks.

    Due instants are recorded first, by the recurrence and policies before the edit.
    """
    before = Schedule.objects.select_for_update(of=("self",)).get(pk=schedule.pk)
    moved = _differ(schedule, before, RHYTHM) and not _keeps_moment(schedule, before)
    if _differ(schedule, before, DECIDING):
        rhythm = moved and schedule.at is None  # a one-shot that is moved fires at its new moment only
        before = lock_recorded(schedule.pk, now, one_shots=rhythm, at_once=moved) or before
        if moved and schedule.at is not None:
            record_move(before, schedule.at, now)
    kept = {
        field.name
        for field in Schedule._meta.concrete_fields
        if not field.editable and field.name not in FOLLOWS
    }
    mine = [
        field.name
        for field in Schedule._meta.concrete_fields
        if field.name not in kept | {"id", "created_at", "status"}
    ]
    _revoke_standing(schedule)
    schedule.save(update_fields=[*mine, "updated_at"])
    schedule.refresh_from_db()
    if moved:
        _restart(schedule, now)
    elif schedule.next_nominal_at and _differ(schedule, before, (*RHYTHM, "jitter_sec", *QUIET)):
        _update_columns(schedule, {"next_fire_at": fire_at(schedule, schedule.next_nominal_at)})
    if columns := corrected(schedule, now):  # whatever left it wrong, an edit mends it
        _update_columns(schedule, columns)


def _differ(schedule: Schedule, before: Schedule, names: Iterable[str]) -> bool:
    return any(getattr(schedule, name) != getattr(before, name) for name in names)


def _keeps_moment(schedule: Schedule, before: Schedule) -> bool:
    """Return whether a one-shot keeps its moment, so that its next instant stays."""
    return schedule.at is not None and schedule.at == before.at


def _revoke_standing(schedule: Schedule) -> None:
    """Revoke the standing approvals of work that was changed: agents edit schedules, too."""
    work = {name: getattr(schedule, name) for name in WORK}
    if not Schedule.objects.filter(pk=schedule.pk, **work).exists():
        standing.revoke_all([standing.schedule_scope(schedule.pk)])


def _restart(schedule: Schedule, now: datetime) -> None:
    """Compute the next instant from now by the new timing; a completed schedule may become active again."""
    if schedule.status != ScheduleStatus.PAUSED:
        _update_columns(schedule, restarted(schedule, now))


def _update_columns(schedule: Schedule, columns: dict[str, Any]) -> None:
    Schedule.objects.filter(pk=schedule.pk).update(**columns)
    schedule.refresh_from_db()
