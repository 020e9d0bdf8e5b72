"""A schedule in plain English, for people and models."""

from django.utils import timezone

from schedules.models import Schedule
from schedules.timing.phrases import When, describe_when
from schedules.timing.timezones import zone


def rhythm(schedule: Schedule) -> str:
    """Say when it fires, on the clocks of its own zone: "At 09:30, Monday through Friday"."""
    if schedule.at:
        return f"Once, on {timezone.localtime(schedule.at, zone(schedule.timezone)):%A, %Y-%m-%d at %H:%M}"
    said = describe_when(When(schedule.cron, schedule.every_sec))
    return f"{said}, {hours}" if (hours := active_hours(schedule)) else said


def active_hours(schedule: Schedule) -> str:
    """Say the active hours of a heartbeat; empty where it has none."""
    if schedule.active_from is None or schedule.active_until is None:
        return ""
    return f"from {schedule.active_from:%H:%M} to {schedule.active_until:%H:%M}"
