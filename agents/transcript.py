"""The log of one run or reply: appended to by the holder of its token only, numbered without gaps.

Whoever holds no longer the token gets LeaseLost and nothing is written: a worker that was given up for dead
cannot add to the story of the one that took over.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from agents import events
from agents.errors import LeaseLost
from agents.models import Event, Transcript
from agents.past import recall

PAGE = 500
LATE_RESULT = "late_result"


def open_transcript(token: UUID | None) -> Transcript:
    """Begin a log that the holder of this token may write; without one, nobody may until `rotate`."""
    return Transcript.objects.create(writer_token=token)


def append(transcript_id: int, token: UUID, happened: Sequence[events.Event], now: datetime) -> int:
    """Write what happened and return the number of its last event; LeaseLost if the token is not ours."""
    with transaction.atomic():
        last = _take_numbers(transcript_id, len(happened), writer_token=token, writer_token__isnull=False)
        if last is None:
            raise LeaseLost(f"Transcript {transcript_id} has another writer now.")
        first = last - len(happened) + 1
        Event.objects.bulk_create(
            Event(transcript_id=transcript_id, seq=seq, kind=event.kind, data=event.data(), at=now)
            for seq, event in enumerate(happened, first)
        )
    return last


def rotate(transcript_id: int, old: UUID | None, new: UUID | None) -> bool:
    """Hand the pen over: from now on only `new` may write. False if `old` does not hold it."""
    return bool(Transcript.objects.filter(pk=transcript_id, writer_token=old).update(writer_token=new))


def note_late(transcript_id: int, data: dict[str, Any], now: datetime) -> None:
    """Keep for audit that a result came too late; whoever was refused has no token to show."""
    with transaction.atomic():
        if last := _take_numbers(transcript_id, 1):
            Event.objects.create(transcript_id=transcript_id, seq=last, kind=LATE_RESULT, data=data, at=now)


def read(transcript_id: int, after: int = 0, limit: int = PAGE) -> list[Event]:
    """Return the events after this number, oldest first."""
    return list(Event.objects.filter(transcript_id=transcript_id, seq__gt=after).order_by("seq")[:limit])


def history(transcript_id: int) -> list[dict[str, Any]]:
    """Rebuild the messages that followed the prompt, every tool call with a result."""
    return recall(transcript_id).messages


def last_seq(transcript_id: int, token: UUID) -> int | None:
    """Return the number of the last event, or None if this token may not write."""
    rows = Transcript.objects.filter(pk=transcript_id, writer_token=token)
    return rows.values_list("last_seq", flat=True).first()


def prune(before: datetime, batch: int = PAGE) -> int:
    """Delete a batch of old logs that nothing refers to any more; return how many went."""
    owners = {
        relation.name: None
        for relation in Transcript._meta.related_objects
        if relation.related_model is not Event
    }
    with transaction.atomic():
        orphans = Transcript.objects.filter(created_at__lt=before, **owners).order_by("pk")
        ids = list(orphans.values_list("pk", flat=True)[:batch])
        Event.objects.filter(transcript_id__in=ids).delete()
        Transcript.objects.filter(pk__in=ids).delete()
    return len(ids)


def _take_numbers(transcript_id: int, count: int, **belief: Any) -> int | None:
    """Reserve the next numbers in one update and return the last; the row stays locked until the commit."""
    rows = Transcript.objects.filter(pk=transcript_id)
    if not rows.filter(**belief).update(last_seq=F("last_seq") + count):
        return None
    return rows.values_list("last_seq", flat=True).get()
