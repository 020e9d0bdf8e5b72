"""The one way a reply ends, whoever ends it: its worker, a person's stop, or the reconciler after a crash."""

import hashlib
import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Self
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from agents import live_streams
from agents.approvals import approvals
from agents.conf import OFFLINE_MODEL
from agents.engine.outcome_from_log import conclusion_of
from agents.models import Transcript
from agents.protocol.events import Finished, TextDelta
from agents.spending import budgets, totals
from agents.states import FailureReason
from agents.transcripts import transcript
from chat.feed import feed
from chat.feed.events import Finalised
from chat.history.parts import Part, outline_of, parts_in, text_of
from chat.models import Conversation, Message
from chat.spending import spender
from chat.states import ARROWS, NEWS_SETTLED, MessageStatus, Reason
from chat.transitions.latency import measured, since
from chat.transitions.outcome_text import notice_for
from stagent.lib.db.deferred_writes import best_effort
from stagent.lib.text import is_blank, storable

PARTLY = (FailureReason.TURN_LIMIT_EXCEEDED, FailureReason.TRUNCATED, FailureReason.BUDGET_EXCEEDED)


@dataclass(frozen=True)
class End:
    """How a reply ends. `last_words` are shown where no word was said; `waited` goes into the record."""

    status: MessageStatus
    reason: str = Reason.COMPLETED
    detail: str = ""
    last_words: str = ""
    waited: dict[str, int | None] = field(default_factory=dict)

    @classmethod
    def of(cls, finished: Finished, waited: dict[str, int | None]) -> Self:
        """Return what a reader is told of how the engine finished."""
        if finished.reason is None:
            return cls(MessageStatus.COMPLETE, last_words=finished.text, waited=waited)
        partly = finished.reason in PARTLY and bool(finished.text)
        status = MessageStatus.COMPLETE if partly else MessageStatus.ERROR
        return cls(status, finished.reason, finished.detail, finished.text if partly else "", waited)


def finalise(
    message_id: int, end: End, *, now: datetime, token: UUID | None = None, belief: Q | None = None
) -> Message | None:
    """End a reply: its text is what its log says was shown. None when it has ended or changed hands already.

    `token` None means a reply that nobody works on; where `belief` does not hold any more, it is left alone.
    """
    with transaction.atomic():
        reply = _lock(message_id, token, belief or Q())
        if reply is None:
            return None
        end = _as_asked(reply, end)
        pen = _take_pen(reply)
        end = _as_concluded(reply, end)
        if (reply.status, end.status, "finalise") not in ARROWS:
            raise ValueError(f"A reply that is {reply.status} cannot become {end.status}.")
        parts = _shown(reply, end.last_words, pen, now)
        reply.text, reply.outline = text_of(parts), outline_of(parts, now)
        reply.status, reply.reason, reply.finished_at = end.status, end.reason, now
        reply.notice = storable(_notice(reply, end))
        reply.token = reply.lease_expires_at = reply.asks_since = None
        totals.charge_unpaid(reply.transcript_id or 0, partial(spender, reply), now)
        answered_by = budgets.last_model_charged(reply.pk)
        reply.model = answered_by if answered_by == OFFLINE_MODEL else reply.model or answered_by
        for column, total in totals.spent_on_message(reply.pk).items():
            setattr(reply, column, total)
        reply.save()
        approvals.withdraw(reply.transcript_id or 0, now)
        _seal(reply, pen, now)
        _announce(reply, token, now, end.waited)
    return reply


def _lock(message_id: int, token: UUID | None, belief: Q) -> Message | None:
    # No key: who adds a message below this one holds the conversation, which is written here a little later.
    mine = Message.objects.unfinished().select_for_update(of=("self",), no_key=True)
    mine = mine.select_related("conversation", "parent__parent")
    return mine.filter(belief, pk=message_id, token=token).first()


def _notice(reply: Message, end: End) -> str:
    said, begun = not is_blank(reply.text), reply.started_at is not None
    return notice_for(end.status, end.reason, end.detail, said=said, begun=begun)


def _take_pen(reply: Message) -> UUID:
    """Take the log away from whoever wrote it: nothing is shown after what is read now."""
    pen = uuid.uuid4()
    assert reply.transcript_id is not None
    Transcript.objects.filter(pk=reply.transcript_id).update(writer_token=pen)
    return pen


def _as_asked(reply: Message, end: End) -> End:
    """Call it stopped where a person had asked for that, and whoever was to do it left before."""
    if end.status == MessageStatus.INTERRUPTED and reply.stop_requested_at:
        return replace(end, status=MessageStatus.STOPPED, reason=Reason.CLIENT_STOP)
    return end


def _as_concluded(reply: Message, end: End) -> End:
    """Deliver an answer that was whole before whoever worked on it left."""
    if end.status != MessageStatus.INTERRUPTED:
        return end
    finished = conclusion_of(reply.transcript_id or 0).finished
    return End.of(finished, end.waited) if finished else end


def _shown(reply: Message, last_words: str, pen: UUID, now: datetime) -> list[Part]:
    assert reply.transcript_id is not None
    parts = parts_in(reply.transcript_id)
    if is_blank(text_of(parts)) and not is_blank(last_words):
        transcript.append(reply.transcript_id, pen, [TextDelta(0, last_words)], now)
        parts = parts_in(reply.transcript_id)
    return parts


def _seal(reply: Message, pen: UUID, now: datetime) -> None:
    """Write the last event and let nobody append to it."""
    assert reply.transcript_id is not None
    sha256 = hashlib.sha256(reply.text.encode()).hexdigest()
    end = Finalised(reply.status, reply.reason, reply.notice, sha256, len(reply.text))
    transcript.append(reply.transcript_id, pen, [end], now)
    transcript.rotate(reply.transcript_id, pen, None)


def _announce(reply: Message, token: UUID | None, now: datetime, waited: dict[str, int | None]) -> None:
    if token is not None:
        live_streams.end(reply.stream_key, token)
    best_effort(lambda: _record(reply, now, waited))
    Conversation.objects.filter(pk=reply.conversation_id).update(answered_at=now, active_at=now)
    feed.publish_event(NEWS_SETTLED, reply, now)


def _record(reply: Message, now: datetime, waited: dict[str, int | None]) -> None:
    live_streams.record(
        reply.stream_key,
        started_at=since(reply),
        ended_at=now,
        reason=reply.reason,
        **measured(reply, waited, now),
    )
