"""Describes a schedule in English, for people and models."""

from datetime import datetime, time
from typing import Protocol

from django.utils import timezone

from schedules.timing.phrases import When, describe_when
from schedules.timing.timezones import zone


class HasRhythm(Protocol):
    """A schedule, or a row with the columns that define when it fires."""

    @property
    def timezone(self) -> str: ...
    @property
    def at(self) -> datetime | None: ...
    @property
    def cron(self) -> str: ...
    @property
    def interval(self) -> str: ...
    @property
    def every_sec(self) -> int | None: ...
    @property
    def active_from(self) -> time | None: ...
    @property
    def active_until(self) -> time | None: ...


def rhythm(schedule: HasRhythm) -> str:
    """Describe when it fires, in its own time zone: "At 09:30, Monday through Friday"."""
    if schedule.at:
        return f"Once, on {timezone.localtime(schedule.at, zone(schedule.timezone)):%A, %Y-%m-%d at %H:%M}"
    said = describe_when(When(schedule.cron, schedule.every_sec))
    return f"{said}, {hours}" if (hours := active_hours(schedule)) else said


def active_hours(schedule: HasRhythm) -> str:
    """Describe the active hours of a heartbeat; empty if it has none."""
    if schedule.active_from is None or schedule.active_until is None:
        return ""
    return f"from {schedule.active_from:%H:%M} to {schedule.active_until:%H:%M}"
