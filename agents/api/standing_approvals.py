"""/api/standing-approvals"""

from datetime import datetime
from typing import Any, cast

from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja import Query, Router, Status
from pydantic import ConfigDict, Field

from agents.approvals import standing
from agents.models import StandingApproval
from stagent.lib.api.listing import Paged, page
from stagent.lib.api.responses import responses
from stagent.lib.api.types import Id, Listed, Row, Text, number

router = Router(tags=["approvals"])

NO_ROW = 0  # what an id that can be none is compared with
EXAMPLE: Any = {
    "id": "3", "tool": "write_file", "place": "conversation:12", "given_by": "admin",
    "given_at": "2026-11-24T08:00:00Z",
}  # fmt: skip


class StandingApprovalRow(Row):
    """What a tool may always do in one place: nobody is asked there before it is called."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    id: Id
    tool: str
    place: str = Field(description="conversation:12 or schedule:7.")
    given_by: str
    given_at: datetime


class StandingApprovalFilter(Paged):
    place: Text | None = Field(
        default=None, max_length=40, examples=["conversation:12"], description="Only what holds there."
    )
    tool: Text | None = Field(default=None, max_length=64, description="Only of this tool.")


@router.get("/standing-approvals", response=responses(Listed[StandingApprovalRow], 422))
def list_standing_approvals(
    request: HttpRequest, asked: Query[StandingApprovalFilter]
) -> Listed[StandingApprovalRow]:
    """List what tools may always do: for your agents, and in all schedules if you may answer for all."""
    rows = StandingApproval.objects.of(_me(request)).filter(**asked.conditions()).select_related("given_by")
    return page(request, asked, rows, lambda found: [_row(leave) for leave in found])


@router.delete("/standing-approvals/{standing_id}", response=responses(None, 404, status=204))
def delete_standing_approval(request: HttpRequest, standing_id: str) -> Status[None]:
    """Take standing approval back: from the next call on a person is asked again."""
    standing.revoke(number(standing_id) or NO_ROW, _me(request))
    return Status(204, None)


def _me(request: HttpRequest) -> User:
    return cast(User, request.user)


def _row(leave: StandingApproval) -> StandingApprovalRow:
    plain = {name: getattr(leave, name) for name in ("id", "tool", "place", "given_at")}
    return StandingApprovalRow(**plain, given_by=leave.given_by.get_username())
