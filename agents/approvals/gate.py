"""The approval gate: turns tool calls into approval requests, and their answers into results and events."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from agents.approvals import approvals, standing
from agents.approvals.approvals import ApprovalRequest
from agents.models import Approval
from agents.protocol.events import ApprovalRequested, ApprovalResolved, Notice
from agents.protocol.reply import Block
from agents.protocol.shared_texts import CALL_DENIED, CALL_EXPIRED, QUESTION_DECLINED, QUESTION_EXPIRED
from agents.spending.budgets import Spender
from agents.states import ApprovalKind, ApprovalStatus
from agents.tools import invoke
from agents.tools.base import Tool, ToolContext, ToolError, ToolResult
from stagent.lib import clock
from stagent.lib.db.async_db import db_sync_to_async

STANDING_APPROVAL_NOTICE = "allowed_by_leave"  # the code of the event
MAX_CALL_ID_CHARS = 200  # the provider chooses the ids
NOT_APPROVED = "This call was not approved. Make it again with a new call id."


@dataclass(frozen=True)
class ApprovalGate:
    """Stores the approval requests of one run or reply."""

    transcript_id: int
    token: UUID
    spender: Spender
    scope: str = ""  # of standing approvals, see `agents.approvals.standing`

    async def load(self) -> dict[str, Approval]:
        """Return all earlier approvals of this run or reply, by call id."""
        return await db_sync_to_async(approvals.by_call_id, self.transcript_id)

    async def submit(self, requests: Iterable[ApprovalRequest], turn: int) -> dict[str, Approval]:
        """Store the requests of one reply and return the approvals by call id."""
        created = await db_sync_to_async(
            approvals.request,
            list(requests),
            transcript_id=self.transcript_id,
            token=self.token,
            turn=turn,
            spender=self.spender,
            scope=self.scope,
            now=clock.now(),
        )
        return {approval.call_id: approval for approval in created}


async def build_request(tool: Tool, context: ToolContext, block: Block) -> ApprovalRequest:
    """Build the request for a call; raise ToolError if its arguments are wrong."""
    if len(block["id"]) > MAX_CALL_ID_CHARS:
        raise ToolError(NOT_APPROVED)
    card = dict(await invoke.preview(tool, context, block["input"]))
    return ApprovalRequest(
        call_id=block["id"],
        tool=tool.name,
        arguments=block["input"],
        kind=ApprovalKind.QUESTION if tool.answered_by_person else ApprovalKind.TOOL_CALL,
        text=card.pop("text", "") or f"Allow the agent to call {tool.name}?",
        card=card,
        fingerprint=standing.tool_digest(tool),
    )


def matches(approval: Approval, block: Block, turn: int) -> bool:
    """Return whether the approval is for exactly this call: some providers reuse call ids."""
    return (approval.turn, approval.tool, approval.arguments) == (turn, block["name"], block["input"])


def result_without_calling(approval: Approval) -> ToolResult | None:
    """Return the result of a call that is not made, or None if it is allowed."""
    is_question = approval.kind == ApprovalKind.QUESTION
    match approval.status:
        case ApprovalStatus.ALLOWED:
            return None
        case ApprovalStatus.ANSWERED:
            return ToolResult(approval.answer, is_error=False, duration_ms=0)
        case ApprovalStatus.DENIED:
            remark = f" They said: {approval.answer}" if approval.answer else ""
            return _error_result((QUESTION_DECLINED if is_question else CALL_DENIED) + remark)
    return _error_result(QUESTION_EXPIRED if is_question else CALL_EXPIRED)


def requested_event(approval: Approval) -> ApprovalRequested:
    return ApprovalRequested(
        approval_id=str(approval.pk),
        call_id=approval.call_id,
        tool=approval.tool,
        approval_kind=approval.kind,
        text=approval.text,
        card=approval.card,
        expires_at=approval.expires_at.isoformat(),
        always_in=approval.place,
    )


def resolved_event(approval: Approval) -> ApprovalResolved:
    return ApprovalResolved(str(approval.pk), approval.call_id, approval.status, approval.answer)


def standing_approval_event(approval: Approval) -> Notice:
    """Return the event for a call that a standing approval allowed."""
    return Notice(
        STANDING_APPROVAL_NOTICE,
        f"{approval.tool} was allowed automatically: {describe_standing_approval(approval)}.",
    )


def describe_standing_approval(approval: Approval) -> str:
    """Return who always allows the tool and where, as the middle of a sentence."""
    user = approval.answered_by.get_username() if approval.answered_by else "a deleted user"
    return f"{user} always allows it in {standing.describe_scope(approval.place)}"


def _error_result(text: str) -> ToolResult:
    return ToolResult(text, is_error=True, duration_ms=0)
