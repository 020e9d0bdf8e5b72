"""The coming hours as the API shows them: `forecast_answer` gives them, this declares them."""

from datetime import date, datetime

from pydantic import ConfigDict, Field

from schedules.api.examples import FORECAST
from stagent.lib.api.values import Page, Row


class ExpectedRow(Row):
    """A firing to come."""

    schedule_id: str | None
    schedule_name: str
    timezone: str
    due_at: datetime
    start_at: datetime | None = Field(description="When it would hold a slot.")
    end_at: datetime | None
    wait_sec: int
    skipped_because: str | None = Field(description="Why it would not run.")


class DayRow(Row):
    """What the firings due on one day add up to, on the clocks of the install."""

    date: date
    firings: int
    runs: int
    turns: int
    cost_usd: float | None = Field(description="null: the price of a model is not known.")


class ForecastRow(Page[ExpectedRow]):
    """An estimate: each schedule takes as long, as many steps and as much money as it usually does."""

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
    schedules_left_out: int = Field(description="Beyond the most that are looked at.")
    scheduled_work_stopped: bool = Field(description="Then the times hold if it starts again now.")
    days: list[DayRow]
