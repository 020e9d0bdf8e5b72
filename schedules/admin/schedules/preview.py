"""The preview of an unsaved schedule form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_time
from django.utils.safestring import SafeString

from schedules import conf
from schedules.admin.runs import hints
from schedules.admin.schedules.collision_banner import show_collisions
from schedules.admin.schedules.form_fields import WallTimeField
from schedules.forecast import collisions
from schedules.models import Pool, Schedule
from schedules.services import schedule_writer
from schedules.states import OverlapPolicy, ScheduleKind
from schedules.timing import cron_steps, describe, when_text
from schedules.timing.active_hours import has_quiet_hours, is_quiet
from schedules.timing.recurrence import Instant
from schedules.timing.timezones import ZoneError, zone

COUNT = 5
HEARTBEAT_HORIZON = timedelta(days=14)  # how far ahead to search for a heartbeat's next firings


@dataclass(frozen=True)
class PreviewFire:
    """An upcoming firing; `local` is in the schedule's zone."""

    at: datetime
    local: datetime
    shifted: bool


@dataclass
class FormPreview:
    """What the form would do if it were saved."""

    summary: str = ""
    error: str = ""
    error_field: str = ""
    timezone: str = ""
    fires: list[PreviewFire] = field(default_factory=list)
    more: bool = False  # more firings follow
    jitter_sec: int = 0
    collisions: list[SafeString] = field(default_factory=list)
    usual_steps: str = ""
    chat_first: str = ""

    @property
    def announcement(self) -> str:
        """The summary for screen readers."""
        if not self.summary:
            return self.error
        first = f" Next: {self.fires[0].local:%A %d %B %H:%M}." if self.fires else ""
        return f"{self.summary}.{first}{' It collides with other schedules.' if self.collisions else ''}"


def preview(data: Mapping[str, Any], now: datetime, schedule_id: str = "") -> FormPreview:
    """Read the fields as a save would; `schedule_id` is empty for a new schedule."""
    profile = str(data.get("profile", ""))
    chat_first = hints.chat_first(conf.load())
    preview = FormPreview(timezone=str(data.get("timezone", "")).strip(), chat_first=chat_first)
    if number := _number(profile):
        preview.usual_steps = hints.usual_steps(number)
    if str(data.get("when", "")).strip():
        _fill_preview(preview, data, now, _number(schedule_id))
    return preview


def _fill_preview(preview: FormPreview, data: Mapping[str, Any], now: datetime, number: int | None) -> None:
    try:
        schedule = schedule_writer.draft(_timing(data, preview.timezone), now=now)
    except ValidationError as error:
        preview.error_field, preview.error = _first_error(error)
    except ZoneError as error:
        preview.error_field, preview.error = "timezone", str(error)
    except ValueError as error:
        preview.error_field, preview.error = "when", str(error)
    else:
        _copy_fields(schedule, data, Schedule.objects.filter(pk=number).first() if number else None)
        _describe(preview, schedule, now)


def _first_error(error: ValidationError) -> tuple[str, str]:
    """Return the first invalid field and its error."""
    name = next(iter(getattr(error, "error_dict", {"": None})))
    return "when" if name in schedule_writer.WHEN else name, error.messages[0]


def _copy_fields(schedule: Schedule, data: Mapping[str, Any], saved: Schedule | None) -> None:
    """Set the fields that quiet hours and collisions depend on, as far as they can be read."""
    if saved is not None:
        schedule.pk, schedule.firing_count = saved.pk, saved.firing_count
        schedule.avg_turns_per_firing = saved.avg_turns_per_firing
        schedule.avg_duration_ms = saved.avg_duration_ms
    for name in ("profile_id", "project_id", "max_turns", "max_firings", "max_run_duration_sec"):
        setattr(schedule, name, _number(str(data.get(name.removesuffix("_id")) or "")))
    if data.get("overlap_policy") in OverlapPolicy.values:
        schedule.overlap_policy = str(data["overlap_policy"])
    schedule.pool_id = (
        Pool.objects.filter(pk=str(data.get("pool") or "")).values_list("pk", flat=True).first()
    )
    schedule.name = str(data.get("name") or "")
    if data.get("kind") == ScheduleKind.HEARTBEAT:
        schedule.kind = ScheduleKind.HEARTBEAT
        schedule.active_from, schedule.active_until = (
            _time(data, name) for name in ("active_from", "active_until")
        )


def _describe(preview: FormPreview, schedule: Schedule, now: datetime) -> None:
    instants = _next_instants(schedule, now)[: schedule.firings_left]
    preview.summary = " ".join([describe.rhythm(schedule), *cron_steps.uneven(schedule.cron)])
    preview.jitter_sec = schedule.jitter_sec
    preview.fires = [_fire(instant, zone(schedule.timezone)) for instant in instants[:COUNT]]
    preview.more = len(instants) > COUNT
    preview.collisions = [show_collisions(collision) for collision in collisions.check(schedule, now)]


def _next_instants(schedule: Schedule, now: datetime) -> list[Instant]:
    if not has_quiet_hours(schedule):
        return schedule.recurrence.upcoming(now, COUNT + 1)
    instants = schedule.recurrence.between(now, now + HEARTBEAT_HORIZON)
    return [instant for instant in instants if not is_quiet(schedule, instant.at)][: COUNT + 1]


def _fire(instant: Instant, zone_info: ZoneInfo) -> PreviewFire:
    return PreviewFire(instant.at, instant.at.astimezone(zone_info).replace(tzinfo=None), instant.dst_shifted)


def _timing(data: Mapping[str, Any], timezone: str) -> dict[str, Any]:
    """Return the timing fields; raise `ValidationError` for an invalid start or end."""
    timing = when_text.read(str(data["when"]), timezone) | {"timezone": timezone}
    for name in ("starts_at", "ends_at"):
        try:
            moment = WallTimeField(required=False).clean(data.get(name))
        except ValidationError as error:
            raise ValidationError({name: error.messages}) from None
        if moment:
            timing[name] = moment.replace(tzinfo=zone(timezone))
    jitter = _number(str(data.get("jitter_sec") or 0), most_digits=5)
    return timing | ({} if jitter is None else {"jitter_sec": jitter})


def _time(data: Mapping[str, Any], name: str) -> time | None:
    try:
        return parse_time(str(data.get(name) or ""))
    except ValueError:
        return None


def _number(text: str, most_digits: int = 18) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= most_digits else None
