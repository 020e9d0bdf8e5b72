"""The event log of one run or reply: only the holder of its writer token appends, numbered without gaps.

Anybody else gets `LeaseLost` and writes nothing: a worker that lost its lease cannot append to the log of its
successor.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from agents.errors import LeaseLost
from agents.models import Approval, Event, Transcript
from agents.transcripts import sql
from agents.transcripts.history import ModelRef, load_histories

PAGE_SIZE = 500
MAX_DELETED_EVENTS = 1000  # the most events that one transaction deletes
LATE_RESULT = "late_result"


class Writable(Protocol):
    """An event that a transcript can store: the engine's, or one of another app."""

    @property
    def kind(self) -> str: ...

    def data(self) -> dict[str, Any]: ...


def open_transcript(token: UUID | None) -> Transcript:
    """Create a transcript with this writer token; without one, nobody can write until `rotate`."""
    return Transcript.objects.create(writer_token=token)


def append(transcript_id: int, token: UUID, events: Sequence[Writable], now: datetime) -> int:
    """Append events and return the number of the last one; `LeaseLost` if `token` is not the writer's."""
    with transaction.atomic(savepoint=False):  # a failure writes nothing, so there is nothing to undo
        last = sql.reserve_seqs(transcript_id, token, len(events))
        if last is not None:
            _insert(transcript_id, events, last, now)
    if last is None:
        raise LeaseLost(f"Transcript {transcript_id} has another writer now.")
    return last


def take_over(transcript_id: int, token: UUID, events: Sequence[Writable], now: datetime) -> None:
    """Replace the writer token, whoever has it, and append the first events."""
    with transaction.atomic(savepoint=False):
        last = sql.take_over(transcript_id, token, len(events))
        _insert(transcript_id, events, last, now)


def _insert(transcript_id: int, events: Sequence[Writable], last: int, now: datetime) -> None:
    first = last - len(events) + 1
    rows = [(transcript_id, seq, event.kind, event.data()) for seq, event in enumerate(events, first)]
    sql.insert_events(rows, now)


def rotate(transcript_id: int, old: UUID | None, new: UUID | None) -> bool:
    """Replace the writer token; False if `old` is not the current one."""
    return bool(Transcript.objects.filter(pk=transcript_id, writer_token=old).update(writer_token=new))


def append_late(transcript_id: int, data: dict[str, Any], now: datetime) -> None:
    """Record for audit that a result came too late. No token is checked: the caller has lost it."""
    with transaction.atomic():
        log = Transcript.objects.select_for_update().filter(pk=transcript_id).first()
        if log is not None:
            log.last_seq += 1
            log.save(update_fields=["last_seq"])
            log.events.create(seq=log.last_seq, kind=LATE_RESULT, data=data, at=now)


def read(transcript_id: int, after: int = 0, limit: int = PAGE_SIZE) -> list[Event]:
    """Return the events after this number, oldest first."""
    return list(Event.objects.filter(transcript_id=transcript_id, seq__gt=after).order_by("seq")[:limit])


def load_messages(
    transcript_ids: Collection[int], model_ref: ModelRef | None = None
) -> dict[int, list[dict[str, Any]]]:
    """Rebuild the messages that followed each prompt, by transcript; every tool call gets a result.

    Thinking blocks of another model than `model_ref` are left out.
    """
    histories = load_histories(transcript_ids, model_ref)
    return {transcript_id: history.messages for transcript_id, history in histories.items()}


def lock(transcript_id: int, token: UUID) -> bool:
    """Lock a transcript for this transaction; False if `token` is not the writer's."""
    locked = Transcript.objects.select_for_update(no_key=True).filter(pk=transcript_id, writer_token=token)
    return locked.values_list("pk", flat=True).first() is not None


def last_seq(transcript_id: int, token: UUID) -> int | None:
    """Return the number of the last event; None if `token` is not the writer's."""
    rows = Transcript.objects.filter(pk=transcript_id, writer_token=token)
    return rows.values_list("last_seq", flat=True).first()


def prune(before: datetime, batch: int = PAGE_SIZE) -> int:
    """Delete a batch of old transcripts without an owner; return how many."""
    open_approvals = Approval.objects.open().values("transcript")
    orphans = _unowned().filter(created_at__lt=before).exclude(pk__in=open_approvals).order_by("pk")
    ids = list(orphans.values_list("pk", flat=True)[:batch])
    while not delete_events(ids):
        pass
    return discard(ids)


def delete_events(transcript_ids: Collection[int], limit: int = MAX_DELETED_EVENTS) -> bool:
    """Delete at most `limit` events of these transcripts; return whether none is left."""
    batch = Event.objects.filter(transcript_id__in=transcript_ids).order_by().values("pk")[:limit]
    return Event.objects.filter(pk__in=batch).delete()[0] < limit


def discard(transcript_ids: Collection[int]) -> int:
    """Delete transcripts that have no events and no owner; return how many."""
    _, deleted = _unowned().filter(pk__in=transcript_ids).delete()  # with their resolved approvals
    return deleted.get(Transcript._meta.label, 0)


def _unowned() -> QuerySet[Transcript]:
    """Return the transcripts to which no run and no message refers."""
    owned = (Event, Approval)
    owners = [
        relation.name for relation in Transcript._meta.related_objects if relation.related_model not in owned
    ]
    return Transcript.objects.filter(**dict.fromkeys(owners))
