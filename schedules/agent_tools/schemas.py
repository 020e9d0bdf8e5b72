"""The JSON Schemas of the tools' arguments, and their results."""

from datetime import datetime
from typing import Any

from agents.models.profile import MAX_TURNS
from schedules.api.schemas.requests import DAY
from schedules.api.schemas.runs import RunRow
from schedules.api.schemas.schedules import ScheduleRow
from schedules.api.schemas.upcoming import next_fires
from schedules.models import Schedule
from schedules.models.schedule import LONGEST_REASON
from schedules.states import MisfirePolicy, OverlapPolicy, ScheduleKind

SCHEDULE = {"type": "string", "maxLength": 120, "description": "Its name or its id."}
RUN = {"type": "string", "maxLength": 20, "description": "The id of the run."}


def limit(default: int, most: int) -> dict[str, Any]:
    """Return the schema of a row limit."""
    return {
        "type": "integer",
        "minimum": 1,
        "maximum": most,
        "description": f"How many; {default} unless said.",
    }


def schema(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """Return the JSON Schema of a tool's arguments."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def text(description: str, most: int) -> dict[str, Any]:
    return {"type": "string", "maxLength": most, "description": description}


def number(description: str, least: int, most: int) -> dict[str, Any]:
    return {"type": ["integer", "null"], "minimum": least, "maximum": most, "description": description}


REASON = text("The reason, shown in the history.", LONGEST_REASON)
FIELDS = {
    "name": text("A short name.", 120),
    "prompt": text("What the agent is to do at each firing, complete in itself.", 20_000),
    "cron": text("Five cron fields, on the clocks of the time zone, for example 30 9 * * MON-FRI.", 200),
    "interval": text("Or words: every 5m, 90m, daily at 9am, weekdays at 09:30, every monday 8:00.", 120),
    "at": text("Or once, at an ISO 8601 moment; without an offset, on the clocks of the time zone.", 40),
    "timezone": text("An IANA name such as Europe/Berlin; the install's if left out.", 64),
    "profile": text("The slug of the agent's profile.", 50),
    "kind": {
        "type": "string",
        "enum": list(ScheduleKind.values),
        "description": "heartbeat: a check that often has nothing to report.",
    },
    "starts_at": text("No firing before this moment.", 40),
    "ends_at": text("No firing after this moment.", 40),
    "max_firings": number("Completed after this number of firings.", 1, 1_000_000),
    "max_turns": number("Maximum agent steps of one run; null inherits.", 1, MAX_TURNS),
    "max_run_duration_sec": number("Time limit of one run in seconds; null inherits.", 10, DAY),
    "max_retries": number("Retries after failures not caused by the provider.", 0, 10),
    "retry_delay_sec": number("Seconds before the first retry; null for the default.", 1, 3600),
    "retry_horizon_sec": number("Seconds a run waits for its provider; null: half the period.", 10, 7 * DAY),
    "overlap_policy": {"type": "string", "enum": list(OverlapPolicy.values)},
    "misfire_policy": {"type": "string", "enum": list(MisfirePolicy.values)},
    "deliver_to_chat": {
        "type": "boolean",
        "description": "Results are delivered as unread messages to the owner's chat; default true.",
    },
    "project": text("The id of a project.", 20),
}


IN_LISTS = {
    "id", "name", "kind", "profile", "project", "cron", "interval", "at", "timezone", "description", "status",
    "paused_reason", "next_fire_at", "deferred_until", "last_fired_at", "firing_count", "failure_streak",
    "turn_budget_breach_streak", "last_failure_reason", "max_turns", "avg_turns_per_firing",
    "avg_is_lower_bound",
}  # fmt: skip
NEXT = 3
LONGEST_RESULT, SHORT_RESULT = 8000, 300


def schedule_in_list(row: ScheduleRow) -> dict[str, Any]:
    """Return the main fields of a schedule in a list."""
    return row.model_dump(include=IN_LISTS, exclude_none=True)


def schedule_detail(row: ScheduleRow, schedule: Schedule, now: datetime) -> dict[str, Any]:
    """Return all fields of a schedule, and its next firings in its time zone."""
    upcoming = [fire.local_at for fire in next_fires(schedule, now, NEXT)]
    return row.model_dump(exclude_none=True) | {"next_fires": upcoming}


def run(row: RunRow, *, most: int = LONGEST_RESULT) -> dict[str, Any]:
    """Return the fields of a run, its result cut to `most` characters."""
    row_values = row.model_dump(exclude_none=True)
    if len(result := row_values.get("result", "")) > most:
        row_values["result"] = f"{result[:most]} [… {len(result) - most:,} more characters]"
    return row_values
