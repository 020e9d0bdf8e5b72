"""Approvals: requested by an agent, then answered, expired or withdrawn, each of them once.

An approval belongs to one tool call of one reply. The first resolution wins: the UPDATE requires an open one.
No tool leads here: only users answer, and requests expire.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection, transaction

from agents import conf
from agents.approvals import standing
from agents.errors import LeaseLost
from agents.models import Approval, StandingApproval, Transcript
from agents.models.approval import ApprovalQuerySet
from agents.signals import announce, approval_answered, approval_requested
from agents.spending.budgets import Spender
from agents.states import ApprovalKind, ApprovalStatus
from stagent.lib import clock
from stagent.lib.db.prepared import Param, Select
from stagent.lib.log.audit_log import CHANGE, record
from stagent.lib.problems import Problem, clean_input, invalid
from stagent.lib.text import clip, to_storable

ALLOW, ALWAYS, DENY = "allow", "always", "deny"
MAX_ANSWER_CHARS = 20_000
MAX_TEXT_CHARS = 2000


@dataclass(frozen=True)
class ApprovalRequest:
    """A tool call that needs approval, or a question to a person."""

    call_id: str
    tool: str
    arguments: dict[str, Any]
    kind: ApprovalKind
    text: str
    card: dict[str, Any] = field(default_factory=dict)
    fingerprint: str = ""  # of the tool; empty if no standing approval can cover it


def request(
    requests: Sequence[ApprovalRequest],
    *,
    transcript_id: int,
    token: UUID,
    turn: int,
    spender: Spender,
    now: datetime,
    scope: str = "",
) -> list[Approval]:
    """Create the approvals of one reply, all or none; `LeaseLost` if the log has another writer.

    A request that a standing approval in `scope` covers is created as allowed.
    """
    expires_at = now + conf.approval_timeout()
    with transaction.atomic():
        owned = Transcript.objects.select_for_update(no_key=True).filter(pk=transcript_id, writer_token=token)
        if not owned.exists():
            raise LeaseLost(f"Transcript {transcript_id} has another writer now.")
        granted = standing.load(scope, spender.user_id)
        created = [
            Approval.objects.create(
                transcript_id=transcript_id,
                turn=turn,
                asked_at=now,
                expires_at=expires_at,
                run_id=spender.run_id,
                message_id=spender.message_id,
                user_id=spender.user_id,
                place=scope if each.fingerprint and spender.user_id else "",
                **vars(each) | {"text": clip(to_storable(each.text), MAX_TEXT_CHARS)},
                **_allowed_by(granted.get((each.tool, each.fingerprint)), now),
            )
            for each in requests
        ]
        for approval in created:
            if approval.is_open:
                announce(approval_requested, approval=approval)
    return created


def _allowed_by(granted: StandingApproval | None, now: datetime) -> dict[str, Any]:
    """Return the fields of an approval that a standing approval allows; none without one."""
    if granted is None:
        return {}
    allowed = {"status": ApprovalStatus.ALLOWED, "answered_at": now, "answered_by": granted.given_by}
    return allowed | {"by_standing_approval": True}


def answer(
    approval_id: int | str, user: User, decision: str, now: datetime | None = None, *, text: str = ""
) -> Approval:
    """Resolve an approval: "allow", "always" or "deny"; a question also takes its answer as the decision.

    "always" allows this call and creates a standing approval for the tool in the same scope. An approval that
    was answered before is returned unchanged. `Problem` 404 if the user has no such approval, 409 if it
    expired or was withdrawn, 422 if the decision is invalid.
    """
    now = now or clock.now()
    approval = Approval.objects.of(user).filter(pk=_parse_id(approval_id)).first()
    if approval is None:
        raise Problem(404, "approval_not_found", "Approval not found.")
    status, answer_text = _parse_decision(approval, decision, text)
    unexpired = Approval.objects.filter(expires_at__gt=now)
    with transaction.atomic():
        resolved = _resolve(approval, status, now, among=unexpired, answered_by=user, answer=answer_text)
        if resolved and decision == ALWAYS:
            _allow_always(approval, user, now)
    if not resolved:
        _resolve(approval, ApprovalStatus.EXPIRED, now, among=Approval.objects.expired(now))
        _raise_if_too_late(approval)
    return approval


def _allow_always(approval: Approval, user: User, now: datetime) -> None:
    """Create a standing approval, and allow the open requests that it covers."""
    standing.grant(approval, user, now)
    alike = {name: getattr(approval, name) for name in ("place", "tool", "fingerprint", "user_id")}
    unexpired = Approval.objects.filter(expires_at__gt=now)
    # Skip rows that another answer has locked: two "always" answers at once would deadlock.
    skip_locked = connection.features.has_select_for_update_skip_locked
    for other in Approval.objects.open().select_for_update(skip_locked=skip_locked).filter(**alike):
        _resolve(other, ApprovalStatus.ALLOWED, now, among=unexpired, answered_by=user)


def expire(now: datetime) -> int:
    """Mark open approvals past their deadline as expired; return their number."""
    late = Approval.objects.expired(now)
    return sum(_resolve(approval, ApprovalStatus.EXPIRED, now, among=late) for approval in late)


def withdraw(transcript_id: int, now: datetime | None = None) -> int:
    """Withdraw the open approvals of a run or reply that has ended; return their number."""
    now = now or clock.now()
    opened = OPEN_APPROVALS(transcript_id=transcript_id)
    return sum(_resolve(each, ApprovalStatus.WITHDRAWN, now) for each in opened)


OPEN_APPROVALS = Select(
    Approval.objects.open().filter(transcript_id=Param("transcript_id", Approval.transcript))
)


def open_approvals(transcript_id: int) -> ApprovalQuerySet:
    return Approval.objects.open().filter(transcript_id=transcript_id)


def by_call_id(transcript_id: int) -> dict[str, Approval]:
    """Return all approvals of a run or reply by the id of their tool call."""
    rows = Approval.objects.filter(transcript_id=transcript_id).select_related("answered_by")
    return {approval.call_id: approval for approval in rows}


def _resolve(
    approval: Approval,
    status: ApprovalStatus,
    now: datetime,
    among: ApprovalQuerySet | None = None,
    **fields: Any,
) -> bool:
    """Close an approval if it is still open, and refresh the given instance either way."""
    expected = (Approval.objects.all() if among is None else among) & Approval.objects.open()
    with transaction.atomic():
        changed = expected.filter(pk=approval.pk).update(status=status, answered_at=now, **fields)
        approval.refresh_from_db()
        if changed:
            record(fields.get("answered_by"), approval, CHANGE, f"{approval.status.capitalize()}.")
            announce(approval_answered, approval=approval)
    return bool(changed)


def _parse_decision(approval: Approval, decision: str, text: str) -> tuple[ApprovalStatus, str]:
    """Return the new status and the text of the answer; `Problem` 422 if they are invalid."""
    answer_text = clean_input("text", text, MAX_ANSWER_CHARS)
    if decision == DENY:
        return ApprovalStatus.DENIED, answer_text
    if approval.kind == ApprovalKind.TOOL_CALL:
        if decision == ALWAYS and not approval.place:
            raise invalid(
                {"decision": f"{approval.tool} needs approval for each call: use {ALLOW} or {DENY}."}
            )
        if decision not in (ALLOW, ALWAYS):
            raise invalid({"decision": f"Use {ALLOW} or {DENY}."})
        return ApprovalStatus.ALLOWED, answer_text
    if not answer_text and decision not in (ALLOW, ALWAYS):
        answer_text = clean_input("text", decision, MAX_ANSWER_CHARS)
    if not answer_text:
        raise invalid({"text": "Enter an answer: the agent asked a question."})
    return ApprovalStatus.ANSWERED, answer_text


def _raise_if_too_late(approval: Approval) -> None:
    if approval.status == ApprovalStatus.EXPIRED:
        raise Problem(409, "approval_expired", "This request expired; the agent continued without an answer.")
    if approval.status == ApprovalStatus.WITHDRAWN:
        raise Problem(
            409, "approval_withdrawn", "This request was withdrawn: the run or reply behind it has ended."
        )


def _parse_id(approval_id: int | str) -> int:
    """Return the id as a number, or 0 if it cannot be an id."""
    digits = str(approval_id)
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 19 else 0
