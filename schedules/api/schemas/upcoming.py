"""The next firings of a schedule, saved or drafted."""

from datetime import datetime
from itertools import pairwise
from typing import Any

from pydantic import ConfigDict, Field

from schedules.models import Schedule
from schedules.timing import cron_steps
from schedules.timing.recurrence import Instant, jittered
from schedules.timing.timezones import zone
from stagent.lib.api.types import Row, Warnings

EXAMPLE: Any = {
    "nominal_at": "2026-11-25T08:00:00Z", "fire_at": "2026-11-25T08:00:12Z",
    "local_at": "2026-11-25T09:00:00+01:00", "dst_shifted": False,
}  # fmt: skip


class Fire(Row):
    """A future instant."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    nominal_at: datetime
    fire_at: datetime = Field(description="Jitter included.")
    local_at: datetime = Field(description="The nominal instant in the schedule's time zone.")
    dst_shifted: bool = Field(description="The local time does not exist; it fires right after the gap.")


def next_fires(schedule: Schedule, now: datetime, count: int) -> list[Fire]:
    """Return the next instants; for a paused schedule, as if it were resumed now."""
    left = schedule.firings_left
    wanted = count if left is None else min(count, left)
    following = schedule.recurrence.upcoming(now, wanted + 1)
    return [_fire(schedule, *pair) for pair in pairwise([*following, None])][:wanted]


def _fire(schedule: Schedule, instant: Instant | None, following: Instant | None) -> Fire:
    assert instant is not None  # only the last of the pairs has nothing after it
    fire_at = instant.at
    if schedule.pk and schedule.jitter_sec:
        fire_at = jittered(schedule.pk, instant.at, schedule.jitter_sec, following.at if following else None)
    local_at = instant.at.astimezone(zone(schedule.timezone))
    return Fire(nominal_at=instant.at, fire_at=fire_at, local_at=local_at, dst_shifted=instant.dst_shifted)


def step_warnings(schedule: Schedule) -> Warnings:
    """Return a warning for each uneven step of its expression."""
    return [{"type": "uneven_step", "message": text} for text in cron_steps.uneven(schedule.cron)]


def shift_warnings(schedule: Schedule, fires: list[Fire]) -> Warnings:
    """Return a warning for each instant that falls into a daylight-saving gap."""
    days = [f"{fire.local_at:%Y-%m-%d}" for fire in fires if fire.dst_shifted]
    if not days:
        return []
    text = f"Clocks in {schedule.timezone} skip that time on {', '.join(days)}; it fires right after the gap."
    return [{"type": "dst_shifted", "message": text}]
