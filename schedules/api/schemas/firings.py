"""A firing in the API: the decision and the metrics of its run."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from agents.states import FailureReason
from schedules.services import lookups
from schedules.states import FiringKind, Outcome
from stagent.lib.api.types import Id, NullableId, NullableText, Row
from stagent.lib.db.rows_by_key import SelectByKeys

EXAMPLE: Any = json.loads("""{
  "id": "40", "schedule_id": "7", "schedule_name": "Morning report", "run_id": "42", "kind": "scheduled",
  "nominal_at": "2026-11-24T08:00:00Z", "outcome": "fired", "reason": null, "count": 1,
  "last_nominal_at": null, "dst_shifted": false,
  "due_at": "2026-11-24T08:00:00Z", "fired_at": "2026-11-24T08:00:00.004Z",
  "slot_claimed_at": "2026-11-24T08:00:00.020Z", "completed_at": "2026-11-24T08:03:04.020Z",
  "slot_wait_ms": 16, "deferral_ms": 0, "duration_ms": 184000, "turn_count": 38, "max_turns_at_firing": 120,
  "input_tokens": 512000, "output_tokens": 9100, "cost_usd": 1.6725, "event_loop_lag_ms": 1.8,
  "peak_rss_mb": 143.2, "chat_streams_active": 0, "concurrent_runs": 1, "failure_reason": null
}""")

Milli = Annotated[float, AfterValidator(lambda value: round(value, 3))]


class FiringRow(Row):
    """A due instant of a schedule. A metric is `null` until it is measured."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    id: Id
    schedule_id: NullableId
    schedule_name: str
    run_id: NullableId
    kind: FiringKind
    nominal_at: datetime
    outcome: Outcome
    reason: NullableText
    count: int = Field(description="Number of instants that this row covers.")
    last_nominal_at: datetime | None = Field(
        description="The last of several instants; nominal_at is the first. null for a single instant."
    )
    dst_shifted: bool
    due_at: datetime = Field(description="The nominal instant and its jitter.")
    fired_at: datetime | None
    slot_claimed_at: datetime | None
    completed_at: datetime | None
    slot_wait_ms: int | None
    deferral_ms: int | None
    duration_ms: int | None
    turn_count: int | None
    max_turns_at_firing: int | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    event_loop_lag_ms: Milli | None = Field(description="p99 while it ran.")
    peak_rss_mb: Milli | None
    chat_streams_active: int | None
    concurrent_runs: int | None
    failure_reason: Annotated[FailureReason | None, BeforeValidator(lambda reason: reason or None)]


def firing_rows(firings: Any) -> list[FiringRow]:
    """Return the rows of firings that carry the ids of their runs."""
    return list(firing_message(firings))


def firing_message(firings: Iterable[Any]) -> Iterator[FiringRow]:
    """Yield the rows one by one."""
    return (FiringRow.model_validate(vars(firing)) for firing in firings)


READ = SelectByKeys(lookups.firings())
