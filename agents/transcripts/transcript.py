"""The log of one run or reply: appended to by the holder of its token only, numbered without gaps.

Whoever holds no longer the token gets LeaseLost and nothing is written: a worker that was given up for dead
cannot add to the story of the one that took over.
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
from agents.transcripts.history import Author, load_histories

PAGE = 500
EMPTIED = 1000  # the most events that one transaction deletes
LATE_RESULT = "late_result"


class Writable(Protocol):
    """What a log takes: the engine's events, and those that others write into it."""

    @property
    def kind(self) -> str: ...

    def data(self) -> dict[str, Any]: ...


def open_transcript(token: UUID | None) -> Transcript:
    """Begin a log that the holder of this token may write; without one, nobody may until `rotate`."""
    return Transcript.objects.create(writer_token=token)


def append(transcript_id: int, token: UUID, happened: Sequence[Writable], now: datetime) -> int:
    """Write what happened and return the number of its last event; LeaseLost if the token is not ours."""
    with transaction.atomic(savepoint=False):  # where nothing is written, nothing has to be undone
        last = sql.take_numbers(transcript_id, token, len(happened))
        if last is not None:
            _insert(transcript_id, happened, last, now)
    if last is None:
        raise LeaseLost(f"Transcript {transcript_id} has another writer now.")
    return last


def take_over(transcript_id: int, token: UUID, happened: Sequence[Writable], now: datetime) -> None:
    """Take the pen from whoever had it, and write the first words with it."""
    with transaction.atomic(savepoint=False):
        last = sql.take_over(transcript_id, token, len(happened))
        _insert(transcript_id, happened, last, now)


def _insert(transcript_id: int, happened: Sequence[Writable], last: int, now: datetime) -> None:
    first = last - len(happened) + 1
    rows = [(transcript_id, seq, event.kind, event.data()) for seq, event in enumerate(happened, first)]
    sql.insert_events(rows, now)


def rotate(transcript_id: int, old: UUID | None, new: UUID | None) -> bool:
    """Hand the pen over: from now on only `new` may write. False if `old` does not hold it."""
    return bool(Transcript.objects.filter(pk=transcript_id, writer_token=old).update(writer_token=new))


def append_late(transcript_id: int, data: dict[str, Any], now: datetime) -> None:
    """Keep for audit that a result came too late; whoever was refused has no token to show."""
    with transaction.atomic():
        log = Transcript.objects.select_for_update().filter(pk=transcript_id).first()
        if log is not None:
            log.last_seq += 1
            log.save(update_fields=["last_seq"])
            log.events.create(seq=log.last_seq, kind=LATE_RESULT, data=data, at=now)


def read(transcript_id: int, after: int = 0, limit: int = PAGE) -> list[Event]:
    """Return the events after this number, oldest first."""
    return list(Event.objects.filter(transcript_id=transcript_id, seq__gt=after).order_by("seq")[:limit])


def histories(logs: Collection[int], author: Author | None = None) -> dict[int, list[dict[str, Any]]]:
    """Rebuild the messages that followed each prompt, every tool call with a result, by log.

    The thoughts of another author than this are left out.
    """
    return {log: past.messages for log, past in load_histories(logs, author).items()}


def lock(transcript_id: int, token: UUID) -> bool:
    """Lock a log for this transaction if this token may write to it; tell whether it may."""
    mine = Transcript.objects.select_for_update(no_key=True).filter(pk=transcript_id, writer_token=token)
    return mine.values_list("pk", flat=True).first() is not None


def last_seq(transcript_id: int, token: UUID) -> int | None:
    """Return the number of the last event, or None if this token may not write."""
    rows = Transcript.objects.filter(pk=transcript_id, writer_token=token)
    return rows.values_list("last_seq", flat=True).first()


def prune(before: datetime, batch: int = PAGE) -> int:
    """Delete a batch of old logs that nobody refers to any more; return how many went."""
    asking = Approval.objects.open().values("transcript")
    orphans = _unowned().filter(created_at__lt=before).exclude(pk__in=asking).order_by("pk")
    ids = list(orphans.values_list("pk", flat=True)[:batch])
    while not delete_events(ids):
        pass
    return discard(ids)


def delete_events(transcript_ids: Collection[int], limit: int = EMPTIED) -> bool:
    """Delete at most so many events of these logs; tell whether none is left."""
    some = Event.objects.filter(transcript_id__in=transcript_ids).order_by().values("pk")[:limit]
    return Event.objects.filter(pk__in=some).delete()[0] < limit


def discard(transcript_ids: Collection[int]) -> int:
    """Delete logs that are empty already, those that somebody refers to left out; return how many went."""
    _, gone = _unowned().filter(pk__in=transcript_ids).delete()  # their settled questions among them
    return gone.get(Transcript._meta.label, 0)


def _unowned() -> QuerySet[Transcript]:
    """Return the logs that nobody refers to: no run, no message."""
    parts = (Event, Approval)
    owners = [
        relation.name for relation in Transcript._meta.related_objects if relation.related_model not in parts
    ]
    return Transcript.objects.filter(**dict.fromkeys(owners))
