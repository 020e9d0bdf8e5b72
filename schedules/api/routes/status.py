"""/api/status and /api/settings"""

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import ConfigDict

from schedules import caps, conf
from schedules.api.actors import Actor
from schedules.api.status_rows import StatusRow, status_row
from stagent.lib import clock
from stagent.lib.api.answers import answers
from stagent.lib.api.etags import stands_for
from stagent.lib.api.listing import Window, refuse_unknown
from stagent.lib.api.values import Page, Row

router = Router(tags=["install"])
VITAL_SIGNS = {"seen_at", "event_loop_lag_ms", "rss_mb"}
PASSING = {"at": True, "scheduler": {"seen_at": True, "processes": {"__all__": VITAL_SIGNS}}}
EXAMPLE: Any = {
    "key": "SCHEDULE_MAX_CONCURRENT", "value": 3, "source": "admin", "ignored": "", "default": 2, "least": 1,
    "most": 1000, "meaning": "Runs at once over all schedules: the cap.",
}  # fmt: skip


class SettingRow(Row):
    """A setting in force and where its value came from: environment, admin or default."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    key: str
    value: int
    source: str
    ignored: str
    default: int
    least: int
    most: int
    meaning: str


@router.get("/status", response=answers(StatusRow))
def get_status(request: HttpRequest) -> StatusRow:
    """Show who holds which slot, who waits and why, who is being answered, and who schedules.

    With If-None-Match, 304 says that all is the same but the moment and the vital signs of schedulers.
    """
    Actor.of(request).must_have("view_slot")
    shown = status_row(now := clock.now(), caps.load(now))
    stands_for(request, shown, but=PASSING)
    return shown


@router.get("/settings", response=answers(Page[SettingRow], 422))
def list_settings(request: HttpRequest, asked: Query[Window]) -> Page[SettingRow]:
    """List the scheduler's settings with their values in force."""
    Actor.of(request).must_have("view_setting")
    refuse_unknown(request, Window.model_fields)
    rows = [_row(value) for value in conf.in_force()]
    return Page(items=rows[asked.offset : asked.offset + asked.limit], count=len(rows))


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
