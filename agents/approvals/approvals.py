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
from agents.signals import announce, question_answered, question_asked
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
    until = now + conf.question_patience()
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
        for question in asked:
            if question.is_open:
                announce(question_asked, question=question)
    return asked


def _allowed_by(leave: StandingApproval | None, now: datetime) -> dict[str, Any]:
    """Return the answer that standing leave gives in its giver's name; nothing where there is none."""
    if leave is None:
        return {}
    allowed = {"status": ApprovalStatus.ALLOWED, "answered_at": now, "answered_by": leave.given_by}
    return allowed | {"by_leave": True}


def answer(
    question_id: int | str, user: User, decision: str, now: datetime | None = None, *, text: str = ""
) -> Approval:
    """Settle a question on a person's word: "allow", "deny" or, where words are asked for, these words.

    "always" allows this call and gives standing leave for all that the tool asks in the same place.
    Answered before, it stays as it is and is returned. `Problem` 404 where it is none of theirs, 409 where
    it is too late, 422 where the decision is none.
    """
    now = now or clock.now()
    question = Approval.objects.of(user).filter(pk=_number(question_id)).first()
    if question is None:
        raise Problem(404, "question_not_found", "There is no such question.")
    status, words = _read(question, decision, text)
    in_time = Approval.objects.filter(expires_at__gt=now)
    with transaction.atomic():
        settled = _settle(question, status, now, among=in_time, answered_by=user, answer=words)
        if settled and decision == ALWAYS:
            _allow_always(question, user, now)
    if not settled:
        _settle(question, ApprovalStatus.EXPIRED, now, among=Approval.objects.expired(now))
        _refuse_if_too_late(question)
    return question


def _allow_always(question: Approval, user: User, now: datetime) -> None:
    """Give standing leave, and allow with it what the tool has asked there already."""
    leaves.grant(question, user, now)
    alike = {name: getattr(question, name) for name in ("place", "tool", "fingerprint", "user_id")}
    in_time = Approval.objects.filter(expires_at__gt=now)
    # One that is just being answered itself is passed over: two such answers would wait for each other.
    passing = connection.features.has_select_for_update_skip_locked
    for other in Approval.objects.open().select_for_update(skip_locked=passing).filter(**alike):
        _settle(other, ApprovalStatus.ALLOWED, now, among=in_time, answered_by=user)


def expire(now: datetime) -> int:
    """Deny what nobody answered in time; return how many questions that settled."""
    late = Approval.objects.expired(now)
    return sum(_settle(question, ApprovalStatus.EXPIRED, now, among=late) for question in late)


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
    return {question.call_id: question for question in asked}


def _settle(
    question: Approval,
    status: ApprovalStatus,
    now: datetime,
    among: ApprovalQuerySet | None = None,
    **how: Any,
) -> bool:
    """Close a question if it is open still, and bring the copy at hand up to date either way."""
    believed = (Approval.objects.all() if among is None else among) & Approval.objects.open()
    with transaction.atomic():
        changed = believed.filter(pk=question.pk).update(status=status, answered_at=now, **how)
        question.refresh_from_db()
        if changed:
            record(how.get("answered_by"), question, CHANGE, f"{question.status.capitalize()}.")
            announce(question_answered, question=question)
    return bool(changed)


def _read(question: Approval, decision: str, text: str) -> tuple[ApprovalStatus, str]:
    """Return what the person decided and said."""
    words = typed("text", text, LONGEST_ANSWER)
    if decision == DENY:
        return ApprovalStatus.DENIED, words
    if question.kind == ApprovalKind.APPROVAL:
        if decision == ALWAYS and not question.place:
            raise invalid({"decision": f"{question.tool} asks each time: say {ALLOW} or {DENY}."})
        if decision not in (ALLOW, ALWAYS):
            raise invalid({"decision": f"Say {ALLOW} or {DENY}."})
        return ApprovalStatus.ALLOWED, words
    words = words or ("" if decision in (ALLOW, ALWAYS) else typed("text", decision, LONGEST_ANSWER))
    if not words:
        raise invalid({"text": "The agent asks for an answer in words."})
    return ApprovalStatus.ANSWERED, words


def _refuse_if_too_late(question: Approval) -> None:
    if question.status == ApprovalStatus.EXPIRED:
        raise Problem(409, "question_expired", "Nobody answered in time; the agent went on without.")
    if question.status == ApprovalStatus.WITHDRAWN:
        raise Problem(409, "question_withdrawn", "The run or reply that asked has ended.")


def _number(question_id: int | str) -> int:
    said = str(question_id)
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 19 else 0
