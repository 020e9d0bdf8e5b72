"""/api/ledger"""

from datetime import datetime
from typing import Any, cast

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Query, Router
from pydantic import ConfigDict, Field

from agents.models import LedgerEntry
from agents.states import Activity
from stagent.lib.api.listing import CursorQuery, paginate
from stagent.lib.api.responses import responses
from stagent.lib.api.types import CursorPage, Id, NullableId, NullableText, Row, Text, Timestamp, parse_id

router = Router(tags=["ledger"])
PERMISSION = "agents.view_ledgerentry"
NO_ROW = -1  # stands for an invalid id in filters
REFERENCES = ("project_id", "schedule_id", "run_id", "message_id", "user_id")
EXAMPLE: Any = {
    "id": "31", "at": "2026-11-24T08:00:02Z", "activity": "run_turn", "provider": "https://api.anthropic.com",
    "model": "claude-sonnet-5-5", "input_tokens": 1800, "output_tokens": 64, "cache_read_tokens": 0,
    "cache_write_tokens": 0, "cost_usd": 0.0064, "estimated": False, "project_id": None, "schedule_id": "7",
    "run_id": "42", "message_id": None, "user_id": "1",
}  # fmt: skip


class LedgerRow(Row):
    """The cost of one model call, or one run forced past the cap. Referenced objects can be deleted."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    id: Id
    at: datetime
    activity: Activity
    provider: NullableText
    model: NullableText
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: float | None = Field(description="null: the price of the model is unknown.")
    estimated: bool = Field(description="The provider sent no final usage; estimated from the streamed text.")
    project_id: NullableId
    schedule_id: NullableId
    run_id: NullableId
    message_id: NullableId
    user_id: NullableId = Field(description="The user whose agent it was.")


class LedgerFilter(CursorQuery):
    activity: Activity | None = Field(default=None, description="Filter by activity.")
    model: Text | None = Field(default=None, max_length=120, description="The full name of a model.")
    project_id: Text | None = None
    schedule_id: Text | None = None
    run_id: Text | None = None
    message_id: Text | None = None
    user_id: Text | None = None
    since: Timestamp | None = None
    until: Timestamp | None = None

    def apply_to(self, rows: QuerySet[LedgerEntry]) -> QuerySet[LedgerEntry]:
        conditions = self.conditions()
        for name in conditions.keys() & set(REFERENCES):
            conditions[name] = parse_id(conditions[name]) or NO_ROW
        columns = {"since": "at__gte", "until": "at__lt"}
        return rows.filter(**{columns.get(name, name): value for name, value in conditions.items()})


@router.get("/ledger", response=responses(CursorPage[LedgerRow], 422))
def list_ledger(request: HttpRequest, query: Query[LedgerFilter]) -> CursorPage[LedgerRow]:
    """List your ledger entries, or all with agents.view_ledgerentry; latest first."""
    user, rows = cast(User, request.user), LedgerEntry.objects.defer("price", "detail")
    if not user.has_perm(PERMISSION):
        rows = rows.filter(user_id=user.pk)
    return paginate(
        request, query, query.apply_to(rows), lambda found: [*map(LedgerRow.model_validate, found)]
    )
