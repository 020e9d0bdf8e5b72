"""What a schedule would mean, told while it is typed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError

from schedules import editing, wording
from schedules.admin import hints, when
from schedules.admin.walltime import WallTimeField
from schedules.calendar import Instant
from schedules.models import Schedule
from schedules.zones import ZoneError, zone

COUNT = 5


@dataclass(frozen=True)
class Fire:
    """One firing to come, on the clocks of its zone."""

    at: datetime
    local: datetime
    shifted: bool


@dataclass
class Preview:
    """What the form's present contents would do."""

    says: str = ""
    wrong: str = ""
    timezone: str = ""
    fires: list[Fire] = field(default_factory=list)
    more: bool = False  # there are further ones
    jitter_sec: int = 0
    usual_steps: str = ""
    not_a_limit: str = ""


def look(data: Mapping[str, Any], now: datetime) -> Preview:
    """Read the fields as saving would; what is wrong is said in one sentence."""
    prompt, profile = str(data.get("prompt", "")), str(data.get("profile", ""))
    preview = Preview(timezone=str(data.get("timezone", "")).strip())
    if said := hints.limit_in(prompt):
        preview.not_a_limit = hints.NOT_A_LIMIT.format(said)
    if profile.isdecimal():
        preview.usual_steps = hints.usual_steps(int(profile[:18]))
    if str(data.get("when", "")).strip():
        _look_ahead(preview, data, now)
    return preview


def _look_ahead(preview: Preview, data: Mapping[str, Any], now: datetime) -> None:
    try:
        schedule = editing.draft(_timing(data, preview.timezone), now=now)
    except ValidationError as error:
        preview.wrong = error.messages[0]
    except (ValueError, ZoneError) as error:
        preview.wrong = str(error)
    else:
        _tell(preview, schedule, now)


def _tell(preview: Preview, schedule: Schedule, now: datetime) -> None:
    following = schedule.recurrence.upcoming(now, COUNT + 1)
    preview.says, preview.jitter_sec = wording.rhythm(schedule), schedule.jitter_sec
    preview.fires = [_fire(instant, zone(schedule.timezone)) for instant in following[:COUNT]]
    preview.more = len(following) > COUNT


def _fire(instant: Instant, where: ZoneInfo) -> Fire:
    return Fire(instant.at, instant.at.astimezone(where).replace(tzinfo=None), instant.dst_shifted)


def _timing(data: Mapping[str, Any], timezone: str) -> dict[str, Any]:
    """Return the timing among the fields; what cannot be read yet is left out."""
    timing = when.read(str(data["when"]), timezone) | {"timezone": timezone}
    for name in ("starts_at", "ends_at"):
        if moment := WallTimeField(required=False).clean(data.get(name)):
            timing[name] = moment.replace(tzinfo=zone(timezone))
    jitter = str(data.get("jitter_sec") or 0)
    return timing | ({"jitter_sec": int(jitter)} if jitter.isdecimal() and len(jitter) < 6 else {})
