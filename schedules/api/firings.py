"""/api/firings"""

from typing import Literal

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Query, Router
from pydantic import Field

from schedules.api.filters import FiringFilter, OwnFiringFilter
from schedules.api.schemas.firings import READ, FiringRow, firing_message, firing_rows
from schedules.models import Firing
from schedules.services import lookups
from schedules.services.actor import Actor
from stagent.lib.api.listing import paginate, reject_unknown_parameters
from stagent.lib.api.responses import responses
from stagent.lib.api.types import CursorPage
from stagent.lib.web.csv_response import csv_response

router = Router(tags=["firings"])
CSV = {"responses": {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}}


class FiringSheetFilter(FiringFilter):
    format: Literal["json", "csv"] | None = Field(
        default=None,
        description="csv: a sheet of all that fit, up to 100,000; Accept: text/csv asks for it too.",
    )


@router.get("/firings", response=responses(CursorPage[FiringRow], 422), openapi_extra=CSV)
def list_firings(
    request: HttpRequest, asked: Query[FiringSheetFilter]
) -> CursorPage[FiringRow] | StreamingHttpResponse:
    """List firings, latest instant first: what was due, the decision and its result."""
    Actor.of(request).must_have("view_firing")
    if not is_wanted(request, asked.format):
        return paginate(request, asked, asked.among(Firing.objects.all()), firing_rows, select=READ)
    reject_unknown_parameters(request, type(asked).model_fields)
    rows = asked.among(lookups.firings())
    last = asked.offset + (asked.limit if "limit" in request.GET else MOST_ROWS)
    lines = (
        row.model_dump(mode="json").values() for row in firing_message(rows[asked.offset : last].iterator())
    )
    return csv_response(
        request, "firings", list(FiringRow.model_fields), lines, X_Total_Count=str(rows.count())
    )


@router.get("/firings/{firing_id}", response=responses(FiringRow, 404))
def get_firing(request: HttpRequest, firing_id: str) -> FiringRow:
    """Return a firing."""
    Actor.of(request).must_have("view_firing")
    return FiringRow.model_validate(lookups.firing(firing_id))


@router.get("/schedules/{schedule_id}/firings", response=responses(CursorPage[FiringRow], 404, 422))
def list_firings_of_schedule(
    request: HttpRequest, schedule_id: str, asked: Query[OwnFiringFilter]
) -> CursorPage[FiringRow]:
    """List the firings of one schedule, latest instant first."""
    Actor.of(request).must_have("view_firing")
    schedule = lookups.schedule(schedule_id)
    rows = asked.among(Firing.objects.filter(schedule=schedule))
    return paginate(request, asked, rows, firing_rows, select=READ)


MOST_ROWS = 100_000


def is_wanted(request: HttpRequest, said: str | None) -> bool:
    """Return whether the client asked for CSV, by ?format= or its Accept header."""
    return said == "csv" or (
        said is None and request.get_preferred_type(["application/json", "text/csv"]) == "text/csv"
    )
