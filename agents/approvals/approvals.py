"""Questions that agents put to people: asked, answered, expired or withdrawn, each of them once.

A question belongs to one tool call of one reply. Whoever settles it first settles it; the update believes
that it is open. Nothing that a model may call leads here: only people answer, and the clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection, transaction

from agents import conf
from agents.approvals import standing as leaves
from agents.errors import LeaseLost
from agents.models import Approval, StandingApproval, Transcript
from agents.models.approval import ApprovalQuerySet
from agents.signals import announce, approval_answered, approval_requested
from agents.spending.budgets import Spender
from agents.states import ApprovalKind, ApprovalStatus
from stagent.lib import clock
from stagent.lib.db.prepared import Param, Select
from stagent.lib.log.audit_log import CHANGE, record
from stagent.lib.problems import Problem, invalid, typed
from stagent.lib.text import clip, storable

ALLOW, ALWAYS, DENY = "allow", "always", "deny"
LONGEST_ANSWER = 20_000
LONGEST_TEXT = 2000


@dataclass(frozen=True)
class ApprovalRequest:
    """A call that may not be made before a person has answered."""

    call_id: str
    tool: str
    arguments: dict[str, Any]
    kind: ApprovalKind
    text: str
    card: dict[str, Any] = field(default_factory=dict)
    fingerprint: str = ""  # of the tool, where leave for it may stand


def request(
    wanted: Sequence[ApprovalRequest],
    *,
    transcript_id: int,
    token: UUID,
    turn: int,
    spender: Spender,
    now: datetime,
    place: str = "",
) -> list[Approval]:
    """Add the approvals of one reply, all or none; `LeaseLost` when the log has another writer.

    `place` is the scope (`agents.approvals.standing`); a tool with a standing approval there goes ahead.
    """
    until = now + conf.approval_timeout()
    with transaction.atomic():
        mine = Transcript.objects.select_for_update(no_key=True).filter(pk=transcript_id, writer_token=token)
        if not mine.exists():
            raise LeaseLost(f"Transcript {transcript_id} has another writer now.")
        standing = leaves.standing(place, spender.user_id)
        asked = [
            Approval.objects.create(
                transcript_id=transcript_id,
                turn=turn,
                asked_at=now,
                expires_at=until,
                run_id=spender.run_id,
                message_id=spender.message_id,
                user_id=spender.user_id,
                place=place if want.fingerprint and spender.user_id else "",
                **vars(want) | {"text": clip(storable(want.text), LONGEST_TEXT)},
                **_allowed_by(standing.get((want.tool, want.fingerprint)), now),
            )
            for want in wanted
        ]
        for approval in asked:
            if approval.is_open:
                announce(approval_requested, approval=approval)
    return asked


def _allowed_by(leave: StandingApproval | None, now: datetime) -> dict[str, Any]:
    """Return the answer that standing approval gives in its giver's name; nothing where there is none."""
    if leave is None:
        return {}
    allowed = {"status": ApprovalStatus.ALLOWED, "answered_at": now, "answered_by": leave.given_by}
    return allowed | {"by_standing_approval": True}


def answer(
    approval_id: int | str, user: User, decision: str, now: datetime | None = None, *, text: str = ""
) -> Approval:
    """Settle a question on a person's word: "allow", "deny" or, where words are asked for, these words.

    "always" allows this call and gives standing approval for all that the tool asks in the same place.
    Answered before, it stays as it is and is returned. `Problem` 404 where it is none of theirs, 409 where
    it is too late, 422 where the decision is none.
    """
    now = now or clock.now()
    approval = Approval.objects.of(user).filter(pk=_number(approval_id)).first()
    if approval is None:
        raise Problem(404, "approval_not_found", "Approval not found.")
    status, words = _read(approval, decision, text)
    in_time = Approval.objects.filter(expires_at__gt=now)
    with transaction.atomic():
        settled = _settle(approval, status, now, among=in_time, answered_by=user, answer=words)
        if settled and decision == ALWAYS:
            _allow_always(approval, user, now)
    if not settled:
        _settle(approval, ApprovalStatus.EXPIRED, now, among=Approval.objects.expired(now))
        _refuse_if_too_late(approval)
    return approval


def _allow_always(approval: Approval, user: User, now: datetime) -> None:
    """Give standing approval, and allow with it what the tool has asked there already."""
    leaves.grant(approval, user, now)
    alike = {name: getattr(approval, name) for name in ("place", "tool", "fingerprint", "user_id")}
    in_time = Approval.objects.filter(expires_at__gt=now)
    # One that is just being answered itself is passed over: two such answers would wait for each other.
    passing = connection.features.has_select_for_update_skip_locked
    for other in Approval.objects.open().select_for_update(skip_locked=passing).filter(**alike):
        _settle(other, ApprovalStatus.ALLOWED, now, among=in_time, answered_by=user)


def expire(now: datetime) -> int:
    """Deny what nobody answered in time; return how many questions that settled."""
    late = Approval.objects.expired(now)
    return sum(_settle(approval, ApprovalStatus.EXPIRED, now, among=late) for approval in late)


def withdraw(transcript_id: int, now: datetime | None = None) -> int:
    """Take back the open questions of a run or reply that ends; return how many there were."""
    moment = now or clock.now()
    return sum(_settle(each, ApprovalStatus.WITHDRAWN, moment) for each in OPEN(transcript_id=transcript_id))


OPEN = Select(Approval.objects.open().filter(transcript_id=Param("transcript_id", Approval.transcript)))


def open_approvals(transcript_id: int) -> ApprovalQuerySet:
    """Return the questions of a run or reply that nobody has answered yet."""
    return Approval.objects.open().filter(transcript_id=transcript_id)


def requested_by(transcript_id: int) -> dict[str, Approval]:
    """Return all questions of a run or reply, by the calls they are about."""
    asked = Approval.objects.filter(transcript_id=transcript_id).select_related("answered_by")
    return {approval.call_id: approval for approval in asked}


def _settle(
    approval: Approval,
    status: ApprovalStatus,
    now: datetime,
    among: ApprovalQuerySet | None = None,
    **how: Any,
) -> bool:
    """Close a question if it is open still, and bring the copy at hand up to date either way."""
    believed = (Approval.objects.all() if among is None else among) & Approval.objects.open()
    with transaction.atomic():
        changed = believed.filter(pk=approval.pk).update(status=status, answered_at=now, **how)
        approval.refresh_from_db()
        if changed:
            record(how.get("answered_by"), approval, CHANGE, f"{approval.status.capitalize()}.")
            announce(approval_answered, approval=approval)
    return bool(changed)


def _read(approval: Approval, decision: str, text: str) -> tuple[ApprovalStatus, str]:
    """Return what the person decided and said."""
    words = typed("text", text, LONGEST_ANSWER)
    if decision == DENY:
        return ApprovalStatus.DENIED, words
    if approval.kind == ApprovalKind.TOOL_CALL:
        if decision == ALWAYS and not approval.place:
            raise invalid({"decision": f"{approval.tool} asks each time: say {ALLOW} or {DENY}."})
        if decision not in (ALLOW, ALWAYS):
            raise invalid({"decision": f"Say {ALLOW} or {DENY}."})
        return ApprovalStatus.ALLOWED, words
    words = words or ("" if decision in (ALLOW, ALWAYS) else typed("text", decision, LONGEST_ANSWER))
    if not words:
        raise invalid({"text": "The agent asks for an answer in words."})
    return ApprovalStatus.ANSWERED, words


def _refuse_if_too_late(approval: Approval) -> None:
    if approval.status == ApprovalStatus.EXPIRED:
        raise Problem(409, "approval_expired", "Nobody answered in time; the agent went on without.")
    if approval.status == ApprovalStatus.WITHDRAWN:
        raise Problem(409, "approval_withdrawn", "The run or reply that asked has ended.")


def _number(approval_id: int | str) -> int:
    said = str(approval_id)
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 19 else 0
