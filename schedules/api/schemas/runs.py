"""A run in the API and the agents' tools."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any

from django.db.models import QuerySet
from pydantic import AliasPath, BeforeValidator, ConfigDict, Field

from agents.spending import budgets
from agents.states import FailureReason
from schedules import conf
from schedules.capacity import conditions
from schedules.capacity.conditions import StartConditions
from schedules.capacity.wait_reasons import reason
from schedules.models import Run
from schedules.states import RunStatus, Source, WaitReason
from stagent.lib.api.types import Id, NullableId, NullableText, Row
from stagent.lib.db.rows_by_key import SelectByKeys

EXAMPLE: Any = json.loads("""{
  "id": "42", "schedule_id": "7", "schedule_name": "Morning report", "firing_id": "40", "source": "scheduled",
  "forced": false, "profile": "reporter", "project": null, "status": "running", "wait_reason": null,
  "failure_reason": null, "failure_detail": null, "attempt": 1, "priority": 0,
  "queued_at": "2026-11-24T08:00:00Z", "not_before": null, "slot": "default #1",
  "holder": "scheduler@host:4711:9f3a2c", "started_at": "2026-11-24T08:00:00.020Z",
  "slot_claimed_at": "2026-11-24T08:00:00.020Z", "lease_expires_at": "2026-11-24T08:01:00.020Z",
  "deadline_at": "2026-11-24T08:20:00.020Z", "finished_at": null, "waiting_since": null,
  "cancel_requested_at": null, "cancel_reason": null, "max_turns": 120, "turn_count": 3,
  "input_tokens": 5120, "output_tokens": 900,
  "cost_usd": 0.0289, "result": null, "result_partial": false, "report": null
}""")


class RunRow(Row):
    """A run. `null` means not applicable or not yet."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    id: Id
    schedule_id: NullableId = Field(description="null if the schedule was deleted.")
    schedule_name: str
    firing_id: NullableId
    source: Source
    forced: bool
    profile: str = Field(validation_alias=AliasPath("profile", "slug"))
    project: NullableId = Field(validation_alias="project_id")
    status: RunStatus
    wait_reason: WaitReason | None = Field(description="Why a queued run is not running, as of now.")
    failure_reason: Annotated[FailureReason | None, BeforeValidator(lambda reason: reason or None)]
    failure_detail: NullableText
    attempt: int
    priority: int
    queued_at: datetime
    not_before: datetime | None
    slot: NullableText
    holder: NullableText
    started_at: datetime | None
    slot_claimed_at: datetime | None
    lease_expires_at: datetime | None
    deadline_at: datetime | None
    finished_at: datetime | None
    waiting_since: datetime | None = Field(description="Since when it waits for an approval.")
    cancel_requested_at: datetime | None
    cancel_reason: NullableText
    max_turns: int | None = Field(description="As queued; null inherits.")
    turn_count: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None = Field(description="null: the price of a model was not known.")
    result: NullableText
    result_partial: bool
    report: dict[str, Any] | None = Field(description="What a heartbeat reported.")


def run_rows(runs: Iterable[Run], now: datetime) -> list[RunRow]:
    """Return the rows of runs; the start conditions are loaded once, and only if one is queued."""
    runs = list(runs)
    waiting = any(run.status == RunStatus.QUEUED for run in runs)
    situation = conditions.load(now, conf.load()) if waiting else None
    return [RunRow.model_validate(each) for each in row_values(runs, situation)]


def run_row(run: Run, now: datetime) -> RunRow:
    return run_rows([run], now)[0]


def row_values(runs: Sequence[Run], situation: StartConditions | None) -> Iterator[dict[str, Any]]:
    """Yield the values of the rows by column name; without conditions, no run is queued."""
    unpriced = budgets.unpriced("run_id", [run.pk for run in runs])
    for run in runs:
        yield vars(run) | {
            "profile": {"slug": run.profile.slug},
            "wait_reason": reason(run, situation) if situation else None,
            "cost_usd": None if run.pk in unpriced else run.cost_usd,
        }


def shown() -> QuerySet[Run]:
    """Return runs with the columns that their rows and wait reasons need."""
    columns = {name.removesuffix("_id") for name in RunRow.model_fields} - {"wait_reason"}
    looked_at = ("pool", "due_at", "schedule__status", "schedule__overlap_policy", "profile__slug")
    return Run.objects.select_related("schedule", "profile").only(*columns, *looked_at)


READ = SelectByKeys(shown())
