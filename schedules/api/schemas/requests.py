"""The request bodies of schedules. Ranges are documented here; the model validates them for every entry
point.
"""

from typing import Any

from pydantic import ConfigDict, Field, StrictBool

from agents.models import Profile, Project
from agents.models.profile import MAX_TURNS
from schedules.models import Schedule
from schedules.models.schedule import KEY, LONGEST_REASON, install_zone
from schedules.models.slot import DEFAULT_POOL, Pool
from schedules.services.schedule_writer import WHEN
from schedules.states import MisfirePolicy, OverlapPolicy, ScheduleKind, ScheduleStatus
from stagent.lib.api.types import (
    IdInput,
    Money,
    Name,
    NonBlankText,
    RequestBody,
    Text,
    TimeOfDay,
    Timestamp,
    WholeNumber,
    parse_id,
)
from stagent.lib.names import LARGEST_INTEGER
from stagent.lib.problems import invalid

DAY = 86_400
DEFAULT_PROFILE = "assistant"
NOT_GIVEN: Any = None  # a default that is never read: only the fields that were given count

EXAMPLE: Any = {
    "name": "Morning report",
    "prompt": "Say what ran, what failed and why.",
    "profile": "reporter",
    "interval": "weekdays at 09:00",
    "timezone": "Europe/Berlin",
    "max_turns": 120,
}
PREVIEW: Any = {"cron": "30 2 * * *", "timezone": "Europe/Berlin", "count": 5}


class Timing(RequestBody):
    """One of a cron expression, an interval phrase and a moment, in a time zone."""

    cron: Text | None = Field(default=None, max_length=200, examples=["30 9 * * MON-FRI"])
    interval: Text | None = Field(default=None, max_length=120, examples=["90m", "weekdays at 09:30"])
    at: Timestamp | None = Field(default=None, description="Once, at this moment.")
    timezone: Text | None = Field(default=None, description="An IANA name; null is the install's.")
    starts_at: Timestamp | None = None
    ends_at: Timestamp | None = None
    jitter_sec: WholeNumber = Field(default=NOT_GIVEN, ge=0, le=DAY)


class ScheduleChanges(Timing):
    """The fields to change. Omitted fields are unchanged; `null`, where allowed, restores the default."""

    model_config = ConfigDict(json_schema_extra={"example": {"max_turns": 200, "cron": "0 7 * * *"}})

    name: Name = Field(default=NOT_GIVEN, min_length=1, max_length=120)
    key: Text | None = Field(
        default=None, pattern=KEY, max_length=100, description="Identifies the schedule in a file; unique."
    )
    prompt: NonBlankText = Field(default=NOT_GIVEN, min_length=1)
    profile: Text = Field(default=NOT_GIVEN, description="Its slug.")
    project: IdInput | None = Field(default=None, description="Its id.")
    kind: ScheduleKind = NOT_GIVEN
    status: ScheduleStatus = Field(default=NOT_GIVEN, description="active or paused.")
    max_firings: WholeNumber | None = Field(default=None, ge=1, le=LARGEST_INTEGER)
    active_from: TimeOfDay | None = Field(
        default=None, description="Heartbeats only, in the schedule's zone."
    )
    active_until: TimeOfDay | None = None
    priority: WholeNumber = Field(default=NOT_GIVEN, ge=-10, le=10)
    pool: Text | None = None
    overlap_policy: OverlapPolicy = NOT_GIVEN
    misfire_policy: MisfirePolicy = NOT_GIVEN
    misfire_grace_sec: WholeNumber | None = Field(default=None, ge=0, le=365 * DAY)
    max_retries: WholeNumber = Field(
        default=NOT_GIVEN, ge=0, le=10, description="Retries after failures not caused by the provider."
    )
    retry_delay_sec: WholeNumber | None = Field(
        default=None, ge=1, le=3600, description="Before the first retry; doubled each time. null: 5."
    )
    retry_horizon_sec: WholeNumber | None = Field(
        default=None,
        ge=10,
        le=7 * DAY,
        description="How long a run waits for an unavailable provider. null: half the period, else an hour.",
    )
    max_turns: WholeNumber | None = Field(
        default=None, ge=1, le=MAX_TURNS, description="Max agent steps per run."
    )
    max_run_duration_sec: WholeNumber | None = Field(default=None, ge=10, le=DAY)
    max_cost_usd: Money | None = Field(default=None, ge=0, max_digits=10, decimal_places=4)
    deliver_to_chat: StrictBool = Field(
        default=NOT_GIVEN, description="Results are delivered as unread messages to the owner's chat."
    )
    webhook_url: Text | None = Field(default=None, max_length=200)
    email: Text | None = Field(default=None, max_length=254)


class NewSchedule(ScheduleChanges):
    """A new schedule. Besides name and prompt it needs one of `cron`, `interval` and `at`."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    name: Name = Field(min_length=1, max_length=120)
    prompt: NonBlankText = Field(min_length=1)
    profile: Text = Field(default=DEFAULT_PROFILE, description="Its slug.")

    def model_post_init(self, context: Any) -> None:
        self.model_fields_set.add("profile")  # its default counts as given


class PreviewRequest(Timing):
    """A timing to preview. `expression` takes cron or a phrase."""

    model_config = ConfigDict(json_schema_extra={"example": PREVIEW})

    expression: Text | None = Field(default=None, max_length=200)
    count: WholeNumber = Field(default=5, ge=1, le=100)
    id: IdInput | None = Field(default=None, description="The schedule that would be changed.")
    project: IdInput | None = None
    profile: Text | None = None


class ReasonRequest(RequestBody):
    """The reason, shown in the history."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"reason": "The release is out."}}
    )

    reason: Text = Field(default="", max_length=LONGEST_REASON)


EMPTY = {"cron": "", "interval": "", "webhook_url": "", "email": ""}  # how these columns spell "nothing"
MOST_NAMED = 20  # of what there is, where something is asked for that there is not


def columns(asked: Timing, present: Schedule | None = None) -> dict[str, Any]:
    """Return the columns to change; `present` is the current schedule."""
    given = asked.model_dump(exclude_unset=True)
    values = {name: EMPTY.get(name) if value is None else value for name, value in given.items()}
    if "timezone" in given:
        values["timezone"] = given["timezone"] or install_zone()
    values |= _related(given)
    return _without_echo(values, present) if present else values


def _related(given: dict[str, Any]) -> dict[str, Any]:
    readers = {"profile": _profile, "project": _project, "pool": _pool}
    found, wrong = {}, {}
    for name in readers.keys() & given.keys():
        try:
            found[name] = readers[name](given[name])
        except LookupError as error:
            wrong[name] = str(error.args[0])
    if wrong:
        raise invalid(wrong)
    return found


def _profile(slug: str) -> Profile:
    profile = Profile.objects.filter(slug=slug).first()
    if profile is None:
        known = ", ".join(Profile.objects.values_list("slug", flat=True)[:MOST_NAMED]) or "none"
        raise LookupError(f"There is no profile {slug!r}. There are: {known}.")
    return profile


def _project(opaque: str | None) -> Project | None:
    if opaque is None:
        return None
    key = parse_id(opaque)
    project = None if key is None else Project.objects.filter(pk=key).first()
    if project is None:
        known = [f"{key} ({name})" for key, name in Project.objects.values_list("pk", "name")[:MOST_NAMED]]
        raise LookupError(f"There is no project {opaque!r}. There are: {', '.join(known) or 'none'}.")
    return project


def _pool(name: str | None) -> Pool | None:
    if name is None or name == DEFAULT_POOL:
        return None
    pool = Pool.objects.filter(pk=name).first()
    if pool is None:
        known = ", ".join([DEFAULT_POOL, *Pool.objects.values_list("name", flat=True)[:MOST_NAMED]])
        raise LookupError(f"There is no concurrency pool {name!r}. There are: {known}.")
    return pool


def _without_echo(values: dict[str, Any], present: Schedule) -> dict[str, Any]:
    """Drop unchanged timing fields: a schedule sent back as it was read changes nothing."""
    echoed = {name for name in WHEN if values.get(name) and values[name] == getattr(present, name)}
    return {name: value for name, value in values.items() if name not in echoed}
