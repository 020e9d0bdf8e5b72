"""/api/status and /api/settings"""

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import ConfigDict, Field

from schedules import conf
from schedules.api.schemas.status import StatusRow, status_row
from schedules.capacity import effective_cap
from schedules.services import change_settings
from schedules.services.actor import Actor
from stagent.lib import clock
from stagent.lib.api.etags import set_representation, with_version
from stagent.lib.api.listing import CursorQuery, paginate_items
from stagent.lib.api.responses import responses
from stagent.lib.api.types import CursorPage, RequestBody, Row
from stagent.lib.api.versions import ExpectedVersions
from stagent.lib.problems import Problem, invalid
from stagent.lib.text import clip

router = Router(tags=["install"])
NAMES = list(conf.BY_NAME)
VITAL_SIGNS = {"seen_at", "event_loop_lag_ms", "rss_mb"}
PASSING = {"at": True, "scheduler": {"seen_at": True, "processes": {"__all__": VITAL_SIGNS}}}
EXAMPLE: Any = {
    "key": "SCHEDULE_MAX_CONCURRENT", "value": 3, "source": "admin", "ignored": "", "default": 2, "least": 1,
    "most": 1000, "meaning": "Maximum concurrent runs over all schedules: the cap.",
}  # fmt: skip


class NewValue(RequestBody):
    """A value to save; null deletes the saved value."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"value": True}})

    value: bool | int | str | None = Field(description="A number; true or false for a switch.")


class SettingRow(Row):
    """A setting and the source of its value: environment, admin or default."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    key: str
    value: int
    source: str
    ignored: str
    default: int
    least: int
    most: int
    meaning: str


@router.get("/status", response=responses(StatusRow))
def get_status(request: HttpRequest) -> StatusRow:
    """Return slots, queue with wait reasons, live streams and schedulers.

    With If-None-Match, 304 means that nothing changed except the time and the process metrics.
    """
    Actor.of(request).must_have("view_slot")
    shown = status_row(now := clock.now(), effective_cap.load(now))
    set_representation(request, shown, exclude=PASSING)
    return shown


@router.get("/settings", response=responses(CursorPage[SettingRow], 422))
def list_settings(request: HttpRequest, asked: Query[CursorQuery]) -> CursorPage[SettingRow]:
    """List the scheduler's settings with their current values."""
    Actor.of(request).must_have("view_setting")
    rows = [_row(value) for value in conf.in_force()]
    return paginate_items(request, asked, "settings", rows, lambda row: [NAMES.index(row.key)])


@router.get("/settings/{key}", response=responses(SettingRow, 404))
def get_setting(request: HttpRequest, key: str) -> SettingRow:
    """Return a setting with its current value."""
    Actor.of(request).must_have("view_setting")
    return _shown(request, _known(key))


@router.patch("/settings/{key}", response=responses(SettingRow, 404, 422))
def change_setting(request: HttpRequest, key: str, asked: NewValue) -> SettingRow:
    """Save a value, or delete it with null. It applies at once, unless the environment sets the value."""
    actor = Actor.of(request)
    actor.must_have("change_setting")
    known, expected = _known(key), ExpectedVersions.of(request)
    if asked.value is None:
        change_settings.clear(known, actor.user, expected)
    elif wrong := change_settings.fault(known, text := str(asked.value).lower()):
        raise invalid({"value": wrong})
    else:
        change_settings.save(known, text, actor.user, expected)
    return _shown(request, known)


def _known(name: str) -> conf.Key:
    key = conf.BY_NAME.get(name.upper())
    if key is None:
        raise Problem(404, "setting_not_found", f"There is no setting {clip(name, 80)!r}.")
    return key


def _shown(request: HttpRequest, key: conf.Key) -> SettingRow:
    saved, value = conf.saved_value(key)
    return with_version(request, _row(value), change_settings.version(key, saved))


def _row(value: conf.Value) -> SettingRow:
    key = value.key
    return SettingRow(
        key=key.name,
        value=value.value,
        source=value.source,
        ignored=value.ignored,
        default=key.default,
        least=key.least,
        most=key.most,
        meaning=key.meaning,
    )
