"""A proposal to move schedules apart, as the API shows it."""

from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from schedules.api.examples import STAGGER
from schedules.staggering import Proposal, Step
from stagent.lib.api.values import Id, Page, Row


class MoveRow(Row):
    """A schedule that would be moved by a few minutes, within its hour."""

    schedule_id: Id
    schedule_name: str
    timezone: str
    shift_min: int = Field(description="Later when positive.")
    cron_before: str
    cron_after: str
    steps: int = Field(description="Of one run, as expected.")


class StaggerRow(Page[MoveRow]):
    """What moving them would change; nothing is moved. To apply one, PATCH its schedule with `cron_after`."""

    model_config = ConfigDict(json_schema_extra={"example": STAGGER})

    since: datetime = Field(alias="from")
    until: datetime
    cap: int
    peak_steps_before: int = Field(description="Of the busiest five minutes.")
    peak_steps_after: int
    longest_wait_sec_before: int
    longest_wait_sec_after: int
    peak_waiting_before: int
    peak_waiting_after: int
    runs_before: int
    runs_after: int


def answer(proposal: Proposal, *, offset: int, limit: int) -> dict[str, Any]:
    """Return the effect and a page of the moves, the heaviest schedule first."""
    before, after = proposal.before, proposal.after
    return {
        "from": before.now,
        "until": before.until,
        "cap": before.cap,
        "peak_steps_before": proposal.peak_before,
        "peak_steps_after": proposal.peak_after,
        "longest_wait_sec_before": round(before.longest_wait_sec),
        "longest_wait_sec_after": round(after.longest_wait_sec),
        "peak_waiting_before": before.peak_waiting,
        "peak_waiting_after": after.peak_waiting,
        "runs_before": before.runs,
        "runs_after": after.runs,
        "items": [_row(step) for step in proposal.steps[offset : offset + limit]],
        "count": len(proposal.steps),
    }


def _row(step: Step) -> dict[str, Any]:
    return {
        "schedule_id": step.move.key,
        "schedule_name": step.schedule.name,
        "timezone": step.schedule.timezone,
        "shift_min": step.move.by,
        "cron_before": step.move.before,
        "cron_after": step.move.after,
        "steps": round(step.schedule.turns),
    }
