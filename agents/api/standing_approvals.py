"""/api/standing-approvals"""

from datetime import datetime
from typing import Any, cast

from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja import Query, Router, Status
from pydantic import ConfigDict, Field

from agents.approvals import standing
from agents.models import StandingApproval
from stagent.lib.api.listing import CursorQuery, paginate
from stagent.lib.api.responses import responses
from stagent.lib.api.types import CursorPage, Id, Row, Text, parse_id

router = Router(tags=["approvals"])

NO_ROW = 0  # stands for an invalid id
EXAMPLE: Any = {
    "id": "3", "tool": "write_file", "place": "conversation:12", "given_by": "admin",
    "given_at": "2026-11-24T08:00:00Z",
}  # fmt: skip


class StandingApprovalRow(Row):
    """A tool that is called without asking in one conversation or schedule."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    id: Id
    tool: str
    place: str = Field(description="The scope: conversation:12 or schedule:7.")
    given_by: str
    given_at: datetime


class StandingApprovalFilter(CursorQuery):
    place: Text | None = Field(
        default=None, max_length=40, examples=["conversation:12"], description="Filter by scope."
    )
    tool: Text | None = Field(default=None, max_length=64, description="Filter by tool.")


@router.get("/standing-approvals", response=responses(CursorPage[StandingApprovalRow], 422))
def list_standing_approvals(
    request: HttpRequest, query: Query[StandingApprovalFilter]
) -> CursorPage[StandingApprovalRow]:
    """List standing approvals of your agents, or of all schedules with agents.answer_approval."""
    rows = StandingApproval.objects.of(_user(request)).filter(**query.conditions()).select_related("given_by")
    return paginate(request, query, rows, lambda found: [_row(granted) for granted in found])


@router.delete("/standing-approvals/{standing_id}", response=responses(None, 404, status=204))
def delete_standing_approval(request: HttpRequest, standing_id: str) -> Status[None]:
    """Revoke a standing approval: the next call of the tool asks again."""
    standing.revoke(parse_id(standing_id) or NO_ROW, _user(request))
    return Status(204, None)


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _row(granted: StandingApproval) -> StandingApprovalRow:
    values = {name: getattr(granted, name) for name in ("id", "tool", "place", "given_at")}
    return StandingApprovalRow(**values, given_by=granted.given_by.get_username())
