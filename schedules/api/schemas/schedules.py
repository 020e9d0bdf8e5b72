"""A schedule in the API and the agents' tools."""

import json
from datetime import datetime, time
from typing import Annotated, Any

from django.db.models import QuerySet
from pydantic import AliasPath, BeforeValidator, ConfigDict, Field

from agents.states import FailureReason
from schedules.api.schemas.requests import ScheduleChanges
from schedules.checks import NO_MAIL_SERVER, has_no_mail_server
from schedules.models import Schedule
from schedules.models.slot import DEFAULT_POOL
from schedules.states import MisfirePolicy, OverlapPolicy, ScheduleKind, ScheduleStatus
from schedules.timing import describe
from schedules.transitions import streaks
from stagent.lib.api.types import Id, NullableId, NullableText, Row, Warnings
from stagent.lib.api.versions import version_of
from stagent.lib.db.rows_by_key import SelectByKeys

EXAMPLE: Any = json.loads("""{
  "id": "7", "name": "Morning report", "key": null, "project": null, "profile": "reporter",
  "kind": "scheduled", "prompt": "Say what ran, what failed and why.",
  "cron": "0 9 * * 1-5", "interval": "weekdays at 09:00", "every_sec": null, "at": null,
  "timezone": "Europe/Berlin", "description": "At 09:00, Monday through Friday",
  "status": "active", "paused_reason": null, "starts_at": null, "ends_at": null, "max_firings": null,
  "active_from": null, "active_until": null, "priority": 0, "pool": "default",
  "overlap_policy": "skip", "misfire_policy": "fire_once", "misfire_grace_sec": null, "jitter_sec": 0,
  "max_retries": 2, "retry_delay_sec": null, "retry_horizon_sec": null, "max_turns": 120,
  "max_turns_set_at": "2026-11-20T10:00:00Z",
  "max_run_duration_sec": null, "max_cost_usd": null, "deliver_to_chat": true,
  "webhook_url": null, "email": null, "owner": "alice",
  "next_fire_at": "2026-11-25T08:00:00Z", "next_nominal_at": "2026-11-25T08:00:00Z",
  "deferred_until": null, "expires_at": null, "last_fired_at": "2026-11-24T08:00:00Z", "firing_count": 41,
  "suppression_count": 0, "failure_streak": 0, "turn_budget_breach_streak": 0,
  "last_failure_reason": null, "last_turn_count": 38, "avg_turns_per_firing": 41.2,
  "avg_is_lower_bound": false, "avg_duration_ms": 184000.0, "avg_duration": 184.0, "warnings": [],
  "created_at": "2026-10-01T12:00:00Z", "updated_at": "2026-11-20T10:00:00Z"
}""")


class ScheduleRow(Row):
    """A schedule. `null` means not set: the default or a wider setting applies."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    id: Id
    name: str
    key: str | None = Field(description="Identifies the schedule in a schedule file, whatever its name.")
    project: NullableId = Field(validation_alias="project_id")
    profile: str = Field(validation_alias=AliasPath("profile", "slug"))
    kind: ScheduleKind
    prompt: str
    cron: NullableText = Field(description="Also set for an interval that cron can express; else null.")
    interval: NullableText = Field(description="The phrase that was entered.")
    every_sec: int | None = Field(description="An interval in seconds that cron cannot express.")
    at: datetime | None = Field(description="The moment of a one-shot.")
    timezone: str
    description: str = Field(description="When it fires, in English, in its time zone.")
    status: ScheduleStatus
    paused_reason: NullableText
    starts_at: datetime | None
    ends_at: datetime | None
    max_firings: int | None
    active_from: time | None
    active_until: time | None
    priority: int
    pool: Annotated[str, BeforeValidator(lambda pool: pool or DEFAULT_POOL)] = Field(
        validation_alias="pool_id"
    )
    overlap_policy: OverlapPolicy
    misfire_policy: MisfirePolicy
    misfire_grace_sec: int | None
    jitter_sec: int
    max_retries: int
    retry_delay_sec: int | None
    retry_horizon_sec: int | None = Field(description="How long a run waits for an unavailable provider.")
    max_turns: int | None = Field(
        description="Maximum agent steps of one run; null inherits from the profile, then the global default."
    )
    max_turns_set_at: datetime | None
    max_run_duration_sec: int | None
    max_cost_usd: float | None
    deliver_to_chat: bool
    webhook_url: NullableText
    email: NullableText
    owner: NullableText = Field(description="The user its agents act for.")
    next_fire_at: datetime | None = Field(description="Jitter included.")
    next_nominal_at: datetime | None
    expires_at: datetime | None = Field(
        description="Until when a one-shot may start; then it is missed. null for a recurrence."
    )
    deferred_until: datetime | None = Field(description="Deferred for chat until this moment.")
    last_fired_at: datetime | None
    firing_count: int
    suppression_count: int
    failure_streak: int
    turn_budget_breach_streak: int
    last_failure_reason: Annotated[FailureReason | None, BeforeValidator(lambda reason: reason or None)]
    last_turn_count: int | None
    avg_turns_per_firing: float | None
    avg_is_lower_bound: bool = Field(description="The last run was cut off at its limit.")
    avg_duration_ms: float | None
    avg_duration: float | None = Field(description="The same, in seconds.")
    warnings: Warnings = Field(description="The current advice.")
    created_at: datetime
    updated_at: datetime


def schedule_row(schedule: Schedule) -> ScheduleRow:
    """Return the row of a schedule; load its profile and owner before."""
    took = schedule.avg_duration_ms
    return ScheduleRow.model_validate(
        vars(schedule)
        | {
            "profile": {"slug": schedule.profile.slug},
            "owner": schedule.owner.get_username() if schedule.owner else None,
            "description": describe.rhythm(schedule),
            "expires_at": schedule.expires_at,
            "avg_duration": None if took is None else took / 1000,
            "warnings": standing_warnings(schedule),
        }
    )


def schedule_version(schedule: Schedule) -> str:
    """Return the If-Match value of a schedule; it covers the fields of a PATCH."""
    return version_of(schedule, ScheduleChanges.model_fields)


def standing_warnings(schedule: Schedule) -> Warnings:
    """Return the advice from its last runs, and its delivery targets that cannot be used."""
    unsent = [NO_MAIL_SERVER] if schedule.email and has_no_mail_server() else []
    found = [{"type": "advice", "message": text} for text in streaks.advice(schedule)]
    return found + [{"type": "not_sent", "message": text} for text in unsent]


def shown() -> QuerySet[Schedule]:
    """Return schedules with the columns that their rows need, with profile and owner."""
    own = [field.name for field in Schedule._meta.concrete_fields]
    related = ("profile__slug", "owner__username")
    return Schedule.objects.select_related("profile", "owner").only(*own, *related)


READ = SelectByKeys(shown())
