"""Calls that need a person first: what is asked, and what the engine makes of the answer."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from agents.approvals import approvals, standing
from agents.approvals.approvals import ApprovalRequest
from agents.models import Approval
from agents.protocol.events import ApprovalRequested, ApprovalResolved, Notice
from agents.protocol.reply import Block
from agents.spending.budgets import Spender
from agents.states import ApprovalKind, ApprovalStatus
from agents.tools import invoke
from agents.tools.base import Tool, ToolContext, ToolError, ToolResult
from stagent.lib import clock
from stagent.lib.db.from_async import db_sync_to_async

DENIED = "The person denied this call."
NOT_ANSWERED = "The person would rather not answer."
TOO_LATE = "Nobody answered in time; it was not done."
NOBODY = "Nobody answered in time. Go on as well as you can without, and say what is open."
BY_LEAVE = "allowed_by_leave"  # the code of the notice
LONGEST_ID = 200  # of a call; servers make them up
NOT_THIS_CALL = "Nobody has allowed this call. Make it again, with an id of its own."


@dataclass(frozen=True)
class ApprovalGate:
    """Where the questions of one run or reply are put, and to whom."""

    transcript_id: int
    token: UUID
    spender: Spender
    place: str = ""  # where leave may stand, as `agents.approvals.standing` names it

    async def load(self) -> dict[str, Approval]:
        """Return what was asked before, by call."""
        return await db_sync_to_async(approvals.requested_by, self.transcript_id)

    async def submit(self, wanted: Iterable[ApprovalRequest], turn: int) -> dict[str, Approval]:
        """Ask all that one reply needs to be asked, and return the questions by call."""
        asked = await db_sync_to_async(
            approvals.request,
            list(wanted),
            transcript_id=self.transcript_id,
            token=self.token,
            turn=turn,
            spender=self.spender,
            place=self.place,
            now=clock.now(),
        )
        return {approval.call_id: approval for approval in asked}


async def prepare(tool: Tool, context: ToolContext, block: Block) -> ApprovalRequest:
    """Say what a person is to be asked; ToolError where the call is wrong in itself."""
    if len(block["id"]) > LONGEST_ID:
        raise ToolError(NOT_THIS_CALL)
    card = dict(await invoke.preview(tool, context, block["input"]))
    return ApprovalRequest(
        call_id=block["id"],
        tool=tool.name,
        arguments=block["input"],
        kind=ApprovalKind.QUESTION if tool.answered_by_person else ApprovalKind.TOOL_CALL,
        text=card.pop("text", "") or f"May the agent call {tool.name}?",
        card=card,
        fingerprint=standing.tool_digest(tool),
    )


def is_about(approval: Approval, block: Block, turn: int) -> bool:
    """Tell whether a question is about this very call: some servers give two calls the same id."""
    return (approval.turn, approval.tool, approval.arguments) == (turn, block["name"], block["input"])


def result_without_calling(approval: Approval) -> ToolResult | None:
    """Return the result of a call that is not made, or None where it is allowed."""
    in_words = approval.kind == ApprovalKind.QUESTION
    match approval.status:
        case ApprovalStatus.ALLOWED:
            return None
        case ApprovalStatus.ANSWERED:
            return ToolResult(approval.answer, is_error=False, duration_ms=0)
        case ApprovalStatus.DENIED:
            said = f" They said: {approval.answer}" if approval.answer else ""
            return _not_done((NOT_ANSWERED if in_words else DENIED) + said)
    return _not_done(NOBODY if in_words else TOO_LATE)


def asked(approval: Approval) -> ApprovalRequested:
    """Make the event that tells of a question."""
    return ApprovalRequested(
        approval_id=str(approval.pk),
        call_id=approval.call_id,
        tool=approval.tool,
        asks_for=approval.kind,
        text=approval.text,
        card=approval.card,
        expires_at=approval.expires_at.isoformat(),
        always_in=approval.place,
    )


def allowed_by_standing_approval(approval: Approval) -> Notice:
    """Make the event that tells why nobody was asked."""
    return Notice(BY_LEAVE, f"Nobody was asked about {approval.tool}: {standing_approval(approval)}.")


def standing_approval(approval: Approval) -> str:
    """Say whose leave stands for a call that nobody was asked about."""
    giver = approval.answered_by.get_username() if approval.answered_by else "somebody who is gone"
    return f"{giver} always allows it in {standing.scope_of(approval.place)}"


def settled(approval: Approval) -> ApprovalResolved:
    """Make the event that tells what became of it."""
    return ApprovalResolved(str(approval.pk), approval.call_id, approval.status, approval.answer)


def _not_done(text: str) -> ToolResult:
    return ToolResult(text, is_error=True, duration_ms=0)
