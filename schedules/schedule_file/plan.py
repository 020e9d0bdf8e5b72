"""Plans and applies a schedule file through the API's services, all or nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from pydantic import ValidationError as SchemaError

from agents.models import Project
from schedules.api import changes
from schedules.api.schemas.requests import NewSchedule, ScheduleChanges, columns
from schedules.forecast import collisions
from schedules.models import Schedule
from schedules.models.schedule import LONGEST_REASON
from schedules.schedule_file.match import ExistingSchedules, Place, load_existing, place_of
from schedules.schedule_file.serialize import OTHERS, REASON, STATUS_FIELDS, WHEN, default, fields_of
from schedules.services import schedule_writer
from schedules.services.actor import Actor
from schedules.states import ScheduleStatus
from stagent.lib.problems import Problem, from_model_error, from_schema_errors
from stagent.lib.text import too_long
from stagent.lib.yaml_file.reader import Entry, Fault, InvalidFile

DECLARED = ("key", "profile", "project", "timezone", *OTHERS)
TIMING = schedule_writer.TIMING | {"interval"}
NOT_NAMED = "The file does not contain it."


@dataclass(frozen=True)
class Change:
    """The change of one schedule: each field with its old and new value."""

    verb: str  # +, ~ or -
    place: Place  # where it is now, or will be where it is new
    fields: dict[str, tuple[Any, Any]]
    entry: Entry | None = None
    schedule: Schedule | None = None
    asked: dict[str, Any] = field(default_factory=dict)  # as the API takes it


@dataclass
class FilePlan:
    """The changes that a file requires."""

    changes: list[Change]
    unchanged: int


def plan(entries: list[Entry], now: datetime, *, prune: bool = False) -> FilePlan:
    """Compare a file with the database. Raises InvalidFile with every error and its line."""
    there, faults = load_existing(entries), list[Fault]()
    projects = dict(Project.objects.values_list("slug", "pk"))
    changes: list[Change] = []
    for entry in entries:
        try:
            changes.append(_compare(entry, _place(entry, projects), there, projects, now))
        except InvalidFile as error:
            faults += error.faults
    if faults:
        raise InvalidFile(*faults)
    to_do = [change for change in changes if change.fields]
    pauses = [*_left_over(there)] if prune else []
    return FilePlan(to_do + pauses, len(changes) - len(to_do))


def apply(planned: FilePlan, actor: Actor, now: datetime) -> Iterator[tuple[Change, list[str]]]:
    """Apply a plan in the caller's transaction; yield each change with its warnings."""
    for change in planned.changes:
        yield change, _do(change, actor, now)


def _place(entry: Entry, projects: dict[str, int]) -> Place:
    project, name = entry.values.get("project"), entry.values.get("name")
    if name is not None and not isinstance(name, str):
        raise InvalidFile(entry.fault("name", f'A name is text: write it in quotes, "{name}".'))
    if name is None or not name.strip():
        raise InvalidFile(entry.fault("name", "A name is required, unique within the project."))
    if project is not None and project not in projects:
        known = ", ".join(sorted(projects)) or "none"
        raise InvalidFile(entry.fault("project", f"There is no project {project!r}. There are: {known}."))
    return project, name.strip()


def _compare(
    entry: Entry, place: Place, there: ExistingSchedules, projects: dict[str, int], now: datetime
) -> Change:
    if not any(entry.values.get(name) for name in WHEN):
        raise InvalidFile(entry.fault("cron", schedule_writer.SAY_WHEN))
    project = projects[place[0]] if place[0] else None
    asked = {name: default(name) for name in DECLARED} | entry.values | {"name": place[1]}
    asked.pop(REASON, None)
    asked["project"] = None if project is None else str(project)
    found = there.match(entry, place)
    before = fields_of(found) if found else {}
    after = _after(entry, asked, found, now)
    names = [name for name in dict.fromkeys([*after, *before]) if before.get(name) != after.get(name)]
    fields = {name: (before.get(name), after.get(name)) for name in names if name not in STATUS_FIELDS}
    fields |= _status_changes(entry, found, retimed=bool(fields.keys() & TIMING))
    if found and fields.keys() == {"key"} and after.get("key", "") == there.needed.get(found.pk):
        fields = {}  # an export has given it this key to tell it from its namesake
    return Change("~" if found else "+", place_of(found) if found else place, fields, entry, found, asked)


def _status_changes(entry: Entry, found: Schedule | None, *, retimed: bool) -> dict[str, tuple[Any, Any]]:
    """Return the changes of status and reason. A status that the file omits is unchanged."""
    status, reason = entry.values.get("status"), entry.values.get(REASON)
    if reason is not None and status != ScheduleStatus.PAUSED:
        raise InvalidFile(entry.fault(REASON, "Only allowed with `status: paused`."))
    if reason is not None and not (isinstance(reason, str) and reason):
        raise InvalidFile(entry.fault(REASON, "Expected text."))
    if reason is not None and (fault := too_long(reason, LONGEST_REASON)):
        raise InvalidFile(entry.fault(REASON, fault))
    before, because = (found.status, found.paused_reason or None) if found else (None, None)
    if before == ScheduleStatus.COMPLETED and status == ScheduleStatus.ACTIVE and not retimed:
        status = None  # it was active, as the file says, until no instant was left
    fields = {"status": (before, status), REASON: (because, reason)}
    return {name: (old, new) for name, (old, new) in fields.items() if new is not None and new != old}


def _after(entry: Entry, asked: dict[str, Any], found: Schedule | None, now: datetime) -> dict[str, Any]:
    """Return the fields after the change, validated as the API does; nothing is written."""
    schedule = Schedule.objects.get(pk=found.pk) if found else Schedule()
    try:
        given = NewSchedule.model_validate(asked)
        values = columns(given, present=schedule if found else None)
        if values.pop("status", None) and not found:
            schedule.status = ScheduleStatus.PAUSED  # a restored one need not come due any more
        schedule_writer.prepare(schedule, values, now=now)
    except SchemaError as error:
        raise InvalidFile(*_faults(entry, from_schema_errors(error.errors()))) from None
    except ValidationError as error:
        raise InvalidFile(*_faults(entry, from_model_error(error))) from None
    except Problem as error:
        raise InvalidFile(*_faults(entry, error)) from None
    return fields_of(schedule)


def _faults(entry: Entry, problem: Problem) -> list[Fault]:
    found = [entry.fault(name, text) for name, text in problem.fields.items()]
    return found or [Fault(entry.line, problem.message)]


def _left_over(there: ExistingSchedules) -> Iterator[Change]:
    for schedule in there.left():
        if schedule.status == ScheduleStatus.ACTIVE:
            yield Change("-", place_of(schedule), {"status": ("active", "paused")}, schedule=schedule)


def _do(change: Change, actor: Actor, now: datetime) -> list[str]:
    if change.entry is None:
        assert change.schedule is not None
        changes.pause(str(change.schedule.pk), NOT_NAMED, actor, now)
        return []
    try:
        saved = _create(change, actor, now) if change.schedule is None else _change(change, actor, now)
    except Problem as error:
        raise InvalidFile(*_faults(change.entry, error)) from None
    return [
        collisions.warning_text(warning) for warning in saved.warnings if warning["type"] == "cron_collision"
    ]


def _create(change: Change, actor: Actor, now: datetime) -> changes.Saved:
    asked, reason = NewSchedule.model_validate(change.asked), change.fields.get(REASON, (None, ""))[1]
    if "status" in change.asked:
        return changes.restore(asked, reason, actor, now)
    return changes.create(asked, actor, now)


def _change(change: Change, actor: Actor, now: datetime) -> changes.Saved:
    assert change.schedule is not None
    schedule_id = str(change.schedule.pk)
    wanted = {name: change.asked[name] for name in change.fields if name in change.asked}
    saved = changes.change(schedule_id, ScheduleChanges.model_validate(wanted), actor, now)
    if REASON in change.fields:
        saved = changes.explain_pause(schedule_id, change.fields[REASON][1], actor)
    return saved
