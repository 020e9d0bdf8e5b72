"""Ends a reply, for its worker, for a stop request, and for the reconciler after a crash."""

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
from agents.engine.outcome_from_log import load_outcome
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
from chat.states import ARROWS, FEED_SETTLED, MessageStatus, Reason
from chat.transitions.latency import measured, since
from chat.transitions.outcome_text import notice_for
from stagent.lib.db.deferred_writes import try_write
from stagent.lib.text import is_blank, to_storable

PARTLY = (FailureReason.TURN_LIMIT_EXCEEDED, FailureReason.TRUNCATED, FailureReason.BUDGET_EXCEEDED)


@dataclass(frozen=True)
class End:
    """How a reply ends. `last_words` are shown if it has no text; `waited` goes into the stream record."""

    status: MessageStatus
    reason: str = Reason.COMPLETED
    detail: str = ""
    last_words: str = ""
    waited: dict[str, int | None] = field(default_factory=dict)

    @classmethod
    def of(cls, finished: Finished, waited: dict[str, int | None]) -> Self:
        """Return the end that corresponds to the engine's result."""
        if finished.reason is None:
            return cls(MessageStatus.COMPLETE, last_words=finished.text, waited=waited)
        partly = finished.reason in PARTLY and bool(finished.text)
        status = MessageStatus.COMPLETE if partly else MessageStatus.ERROR
        return cls(status, finished.reason, finished.detail, finished.text if partly else "", waited)


def finalise(
    message_id: int, end: End, *, now: datetime, token: UUID | None = None, condition: Q | None = None
) -> Message | None:
    """End a reply; its text is built from its event log. Return None if it has ended or has another holder.

    `token` None means a reply without a worker. Nothing changes if the reply does not match `condition`.
    """
    with transaction.atomic():
        reply = _lock(message_id, token, condition or Q())
        if reply is None:
            return None
        end = _as_requested(reply, end)
        writer_token = _take_writer_token(reply)
        end = _as_concluded(reply, end)
        if (reply.status, end.status, "finalise") not in ARROWS:
            raise ValueError(f"A reply that is {reply.status} cannot become {end.status}.")
        parts = _shown(reply, end.last_words, writer_token, now)
        reply.text, reply.outline = text_of(parts), outline_of(parts, now)
        reply.status, reply.reason, reply.finished_at = end.status, end.reason, now
        reply.notice = to_storable(_notice(reply, end))
        reply.token = reply.lease_expires_at = reply.asks_since = None
        totals.charge_unpaid(reply.transcript_id or 0, partial(spender, reply), now)
        answered_by = budgets.last_model_charged(reply.pk)
        reply.model = answered_by if answered_by == OFFLINE_MODEL else reply.model or answered_by
        for column, total in totals.message_totals(reply.pk).items():
            setattr(reply, column, total)
        reply.save()
        approvals.withdraw(reply.transcript_id or 0, now)
        _close_log(reply, writer_token, now)
        _announce(reply, token, now, end.waited)
    return reply


def _lock(message_id: int, token: UUID | None, condition: Q) -> Message | None:
    # `no_key`: adding a child message locks the conversation, which this transaction updates later.
    unfinished = Message.objects.unfinished().select_for_update(of=("self",), no_key=True)
    unfinished = unfinished.select_related("conversation", "parent__parent")
    return unfinished.filter(condition, pk=message_id, token=token).first()


def _notice(reply: Message, end: End) -> str:
    has_text, begun = not is_blank(reply.text), reply.started_at is not None
    return notice_for(end.status, end.reason, end.detail, has_text=has_text, begun=begun)


def _take_writer_token(reply: Message) -> UUID:
    """Take over the event log, so that the worker can append nothing after the events read now."""
    writer_token = uuid.uuid4()
    assert reply.transcript_id is not None
    Transcript.objects.filter(pk=reply.transcript_id).update(writer_token=writer_token)
    return writer_token


def _as_requested(reply: Message, end: End) -> End:
    """Return `stopped` for an interrupted reply whose stop was requested before its worker died."""
    if end.status == MessageStatus.INTERRUPTED and reply.stop_requested_at:
        return replace(end, status=MessageStatus.STOPPED, reason=Reason.CLIENT_STOP)
    return end


def _as_concluded(reply: Message, end: End) -> End:
    """Return the engine's result for an interrupted reply that was complete before its worker died."""
    if end.status != MessageStatus.INTERRUPTED:
        return end
    finished = load_outcome(reply.transcript_id or 0).finished
    return End.of(finished, end.waited) if finished else end


def _shown(reply: Message, last_words: str, writer_token: UUID, now: datetime) -> list[Part]:
    assert reply.transcript_id is not None
    parts = parts_in(reply.transcript_id)
    if is_blank(text_of(parts)) and not is_blank(last_words):
        transcript.append(reply.transcript_id, writer_token, [TextDelta(0, last_words)], now)
        parts = parts_in(reply.transcript_id)
    return parts


def _close_log(reply: Message, writer_token: UUID, now: datetime) -> None:
    """Append the last event and close the event log."""
    assert reply.transcript_id is not None
    sha256 = hashlib.sha256(reply.text.encode()).hexdigest()
    end = Finalised(reply.status, reply.reason, reply.notice, sha256, len(reply.text))
    transcript.append(reply.transcript_id, writer_token, [end], now)
    transcript.rotate(reply.transcript_id, writer_token, None)


def _announce(reply: Message, token: UUID | None, now: datetime, waited: dict[str, int | None]) -> None:
    if token is not None:
        live_streams.end(reply.stream_key, token)
    try_write(lambda: _record(reply, now, waited))
    Conversation.objects.filter(pk=reply.conversation_id).update(answered_at=now, active_at=now)
    feed.publish_event(FEED_SETTLED, reply, now)


def _record(reply: Message, now: datetime, waited: dict[str, int | None]) -> None:
    live_streams.record(
        reply.stream_key,
        started_at=since(reply),
        ended_at=now,
        reason=reply.reason,
        **measured(reply, waited, now),
    )
