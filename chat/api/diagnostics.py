"""/api/diagnostics/chat-streams: chat latency for operators, without users and texts."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Query, Router
from pydantic import ConfigDict, Field

from agents.models import StreamRecord
from chat import stream_metrics
from chat.api.lookups import current_user
from stagent.lib import clock
from stagent.lib.api.listing import CursorQuery, paginate
from stagent.lib.api.responses import responses
from stagent.lib.api.types import CursorPage, Id, Row, Text, Timestamp
from stagent.lib.problems import Problem

router = Router(tags=["chat"])

PERMISSION = "agents.view_streamrecord"
SPREAD: Any = {"count": 1, "p50": 640.0, "p95": 640.0, "p99": 640.0}
EXAMPLE: Any = {
    "items": [{"id": "9", "key": "message:84", "started_at": "2026-11-24T09:11:58Z",
               "ended_at": "2026-11-24T09:12:00.100Z", "reason": "completed", "first_token_ms": 640,
               "overhead_ms": 14, "total_ms": 2100}],
    "count": 1, "next": None, "reasons": {"completed": 1}, "first_token_ms": SPREAD,
    "overhead_ms": SPREAD | {"p50": 14.0, "p95": 14.0, "p99": 14.0},
    "total_ms": SPREAD | {"p50": 2100.0, "p95": 2100.0, "p99": 2100.0},
    "live": [{"key": "message:120", "holder": "replies@host:471:77c0de", "started_at": "2026-11-24T09:12:01Z",
              "expires_at": "2026-11-24T09:12:31Z"}],
}  # fmt: skip


class StreamFilter(CursorQuery):
    """Filters by end reason and time."""

    reason: Text | None = Field(default=None, max_length=32, examples=["completed"])
    since: Timestamp | None = None
    until: Timestamp | None = None


class StreamRow(Row):
    """The measurements of one stream."""

    id: Id
    key: str = Field(description="The stream, for example message:42.")
    started_at: datetime
    ended_at: datetime
    reason: str
    first_token_ms: int | None = Field(description="From sending to the first token, in milliseconds.")
    overhead_ms: int | None = Field(description="The part before the request to the model, in milliseconds.")
    total_ms: int


class LiveRow(Row):
    """A stream that is live now."""

    key: str
    holder: str
    started_at: datetime
    expires_at: datetime


class SpreadRow(Row):
    """Percentiles of a figure; null without measurements."""

    count: int
    p50: float | None
    p95: float | None
    p99: float | None


class Diagnostics(CursorPage[StreamRow]):
    """The latest matching streams, their summary, and the live streams."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    reasons: dict[str, int] = Field(description="Number of streams by end reason.")
    first_token_ms: SpreadRow
    overhead_ms: SpreadRow
    total_ms: SpreadRow
    live: list[LiveRow]


@router.get("/diagnostics/chat-streams", response=responses(Diagnostics, 422))
def diagnose_chat_streams(request: HttpRequest, asked: Query[StreamFilter]) -> Diagnostics:
    """Get end reasons and latencies of chat replies."""
    user = current_user(request)
    if not (user.is_staff and user.has_perm(PERMISSION)):
        raise Problem(403, "permission_denied", f"This needs a staff user with the permission {PERMISSION}.")
    records = _filtered(asked)
    rows = paginate(request, asked, records, lambda found: [StreamRow.model_validate(each) for each in found])
    summary = stream_metrics.summary(records)
    return Diagnostics(
        items=rows.items,
        count=rows.count,
        next=rows.next,
        reasons=summary.reasons,
        live=[LiveRow.model_validate(each) for each in stream_metrics.live(clock.now())],
        **{name: SpreadRow(**asdict(each)) for name, each in summary.spreads.items()},
    )


def _filtered(asked: StreamFilter) -> QuerySet[StreamRecord]:
    given = asked.conditions()
    columns = {"reason": "reason", "since": "ended_at__gte", "until": "ended_at__lt"}
    return StreamRecord.objects.filter(**{columns[name]: value for name, value in given.items()})
