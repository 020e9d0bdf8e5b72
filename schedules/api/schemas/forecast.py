"""The schemas of the forecast and of the stagger proposal."""

from datetime import date, datetime
from typing import Any

from pydantic import ConfigDict, Field

from schedules.api.schemas.examples import FORECAST, STAGGER
from schedules.services.stagger import Proposal, StaggerStep
from stagent.lib.api.types import Id, Page, Row


class ExpectedRow(Row):
    """A future firing."""

    schedule_id: str | None
    schedule_name: str
    timezone: str
    due_at: datetime
    start_at: datetime | None = Field(description="When it is expected to get a slot.")
    end_at: datetime | None
    wait_sec: int
    skipped_because: str | None = Field(description="Why it is expected not to run.")


class DayRow(Row):
    """The totals of the firings due on one day, in the time zone of the install."""

    date: date
    firings: int
    runs: int
    turns: int
    cost_usd: float | None = Field(description="null: the price of a model is not known.")


class ForecastRow(Page[ExpectedRow]):
    """An estimate from average durations, steps and costs."""

    model_config = ConfigDict(json_schema_extra={"example": FORECAST})

    since: datetime = Field(alias="from")
    until: datetime
    cap: int
    runs: int
    skipped: int
    peak_concurrent: int
    peak_at: datetime | None
    peak_waiting: int
    longest_wait_sec: int
    wait_p95_sec: int
    turns: int
    cost_usd: float | None = Field(description="null: the price of a model is not known.")
    schedules_left_out: int = Field(description="Beyond the number that is simulated.")
    scheduled_work_stopped: bool = Field(description="If true, the times assume that it starts again now.")
    days: list[DayRow]


class MoveRow(Row):
    """A proposed move by a few minutes within the hour."""

    schedule_id: Id
    schedule_name: str
    timezone: str
    shift_min: int = Field(description="Later when positive.")
    cron_before: str
    cron_after: str
    steps: int = Field(description="Of one run, as expected.")


class StaggerRow(Page[MoveRow]):
    """The effect of the proposed moves; nothing is changed. To apply one, PATCH its schedule with
    `cron_after`.
    """

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
    """Return the effect and a page of the moves, heaviest schedule first."""
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


def _row(step: StaggerStep) -> dict[str, Any]:
    return {
        "schedule_id": step.move.key,
        "schedule_name": step.schedule.name,
        "timezone": step.schedule.timezone,
        "shift_min": step.move.by,
        "cron_before": step.move.before,
        "cron_after": step.move.after,
        "steps": round(step.schedule.turns),
    }
