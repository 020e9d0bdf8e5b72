"""/api/approvals"""

from datetime import datetime
from typing import Annotated, Any, Literal, cast

from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja import Query, Router
from pydantic import BeforeValidator, ConfigDict, Field

from agents.approvals import approvals
from agents.approvals.approvals import MAX_ANSWER_CHARS
from agents.models import Approval
from agents.models.approval import ApprovalQuerySet
from agents.states import ApprovalKind, ApprovalStatus
from stagent.lib import clock
from stagent.lib.api.listing import CursorQuery, paginate
from stagent.lib.api.responses import responses
from stagent.lib.api.types import CursorPage, Id, NullableId, NullableText, RequestBody, Row, Text, parse_id
from stagent.lib.problems import Problem

router = Router(tags=["approvals"])

NO_ROW = -1  # stands for an invalid id in filters
EXAMPLE: Any = {
    "id": "12", "kind": "tool_call", "status": "open", "tool": "create_schedule",
    "text": "Allow the agent to create the schedule “Morning report”?",
    "card": {
        "title": "New schedule: Morning report",
        "lines": [{"label": "When", "value": "Every weekday at 09:00 (Europe/Berlin)"}],
        "warnings": [],
    },
    "arguments": {"name": "Morning report", "cron": "0 9 * * 1-5", "prompt": "Report."},
    "run_id": "42", "message_id": None, "asked_at": "2026-11-24T08:00:00Z",
    "expires_at": "2026-11-25T08:00:00Z", "answered_at": None, "answered_by": None, "answer": None,
    "always_in": "schedule:7", "by_standing_approval": False,
}  # fmt: skip


def _name(user: User | None) -> str | None:
    return None if user is None else user.get_username()


class ApprovalRow(Row):
    """An approval request: a tool call that needs approval, or a question."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    id: Id
    kind: ApprovalKind = Field(description="tool_call: approval of the call. question: a text answer.")
    status: ApprovalStatus
    tool: str
    text: str
    card: dict[str, Any] = Field(
        description="What to show: title, lines, warnings, and for a question choices."
    )
    arguments: dict[str, Any]
    run_id: NullableId
    message_id: NullableId
    asked_at: datetime
    expires_at: datetime = Field(description="The request expires then, and the call is not made.")
    answered_at: datetime | None
    answered_by: Annotated[str | None, BeforeValidator(_name)]
    answer: NullableText
    always_in: NullableText = Field(
        validation_alias="place",
        description="The scope of `always`: conversation:12 or schedule:7. null: each call needs approval.",
    )
    by_standing_approval: bool = Field(description="A standing approval allowed the call; nobody was asked.")


class ApprovalFilter(CursorQuery):
    status: ApprovalStatus | None = None
    kind: ApprovalKind | None = None
    run_id: Text | None = None
    message_id: Text | None = None

    def apply_to(self, rows: ApprovalQuerySet) -> ApprovalQuerySet:
        conditions = self.conditions()
        for name in {"run_id", "message_id"} & conditions.keys():
            conditions[name] = parse_id(conditions[name]) or NO_ROW
        return rows.filter(**conditions)


class AnswerRequest(RequestBody):
    """A decision. `text` is the answer to a question, or an optional message to the agent."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"decision": "allow"}})

    decision: Literal["allow", "always", "deny"] = Field(
        description="always: also allow later calls of the tool in `always_in`, see /api/standing-approvals."
    )
    text: Text = Field(default="", max_length=MAX_ANSWER_CHARS)


@router.get("/approvals", response=responses(CursorPage[ApprovalRow], 422))
def list_approvals(request: HttpRequest, query: Query[ApprovalFilter]) -> CursorPage[ApprovalRow]:
    """List approval requests of your agents, or of all runs with agents.answer_approval; latest first."""
    return paginate(
        request, query, query.apply_to(_visible(request)), lambda rows: [_row(row) for row in rows]
    )


@router.get("/approvals/{approval_id}", response=responses(ApprovalRow, 404))
def get_approval(request: HttpRequest, approval_id: str) -> ApprovalRow:
    """Return an approval request."""
    approval = _visible(request).filter(pk=parse_id(approval_id) or NO_ROW).first()
    if approval is None:
        raise Problem(404, "approval_not_found", "Approval not found.")
    return _row(approval)


@router.post("/approvals/{approval_id}/answer", response=responses(ApprovalRow, 404, 409, 422))
def answer_approval(request: HttpRequest, approval_id: str, body: AnswerRequest) -> ApprovalRow:
    """Answer a request. The first answer counts; a later one returns it unchanged. The run continues."""
    user = cast(User, request.user)
    return _row(approvals.answer(approval_id, user, body.decision, clock.now(), text=body.text))


def _visible(request: HttpRequest) -> ApprovalQuerySet:
    return Approval.objects.of(cast(User, request.user)).select_related("answered_by")


def _row(approval: Approval) -> ApprovalRow:
    return ApprovalRow.model_validate(approval)
