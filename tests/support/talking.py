"""Conversations as they come about: through the chat's own doors, at a moment that is handed in."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from agents.approvals import approvals
from agents.approvals.approvals import ApprovalRequest
from agents.models import Approval
from agents.protocol.events import Event, TextDelta
from agents.spending.budgets import Spender
from agents.states import Activity, ApprovalKind
from agents.transcripts import transcript
from chat.models import Message
from chat.states import MessageStatus
from chat.transitions import Accepted, Claim, Draft, End, accept, claim, finalise
from tests.support.builders import NOON

TTL = timedelta(seconds=30)


def says(owner: User, text: str = "What failed?", now: datetime = NOON, **more: Any) -> Accepted:
    """Let somebody say something; the reply is pending."""
    return accept(owner, Draft(text, **more), now=now)


def begins(reply_id: int, now: datetime = NOON, holder: str = "web") -> Claim:
    """Let somebody work on a reply."""
    reply = Message.objects.select_related("conversation", "profile").get(pk=reply_id)
    return claim(reply, holder=holder, now=now, ttl=TTL)


def writes(claimed: Claim, *happened: Event | str, now: datetime = NOON) -> int:
    """Write into a reply's log; a text is a delta."""
    events = [TextDelta(1, each) if isinstance(each, str) else each for each in happened]
    return transcript.append(claimed.transcript_id, claimed.token, events, now)


def ends(
    reply_id: int, token: UUID | None, now: datetime = NOON, status: MessageStatus = MessageStatus.COMPLETE
) -> Message:
    """End a reply."""
    ended = finalise(
        reply_id, End(status, waited={"first_token_ms": 640, "overhead_ms": 20}), now=now, token=token
    )
    assert ended is not None
    return ended


def converses(
    owner: User,
    text: str = "What failed?",
    answer: str = "Nothing.",
    now: datetime = NOON,
    **more: str | None,
) -> Message:
    """Let somebody say something and be answered; returns the answer."""
    place = says(owner, text, now, **more)
    claimed = begins(place.reply_id, now)
    writes(claimed, answer, now=now)
    return ends(place.reply_id, claimed.token, now)


def asks(claimed: Claim, now: datetime = NOON, call_id: str = "call_1") -> Approval:
    """Let whoever works on a reply ask a person before it calls a tool."""
    wanted = ApprovalRequest(
        call_id, "send", {"to": "a@b.c"}, ApprovalKind.TOOL_CALL, "Send it?", {"title": "Send"}
    )
    spender = Spender(Activity.CHAT_TURN, message_id=claimed.message_id, user_id=claimed.owner_id)
    (approval,) = approvals.request(
        [wanted],
        transcript_id=claimed.transcript_id,
        token=claimed.token,
        turn=1,
        spender=spender,
        now=now,
    )
    return approval
