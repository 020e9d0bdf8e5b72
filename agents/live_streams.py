"""Live streams: leases of the replies that are streaming, so that a crash blocks scheduled work only briefly.

A finished stream leaves a record with its reason and latencies.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from agents.models import LiveStream, StreamRecord
from stagent.lib.db.prepared import Param, Select


def begin(key: str, holder: str, ttl_sec: int, now: datetime, token: UUID | None = None) -> UUID:
    """Create the lease of a stream, for example "message:42"; an earlier holder's token is void."""
    token = token or uuid4()
    lease = {"holder": holder, "token": token, "ttl_sec": ttl_sec, "started_at": now}
    stream = LiveStream(key=key, **lease, expires_at=now + timedelta(seconds=ttl_sec))
    LiveStream.objects.bulk_create(  # one statement: a user waits for the first text
        [stream], update_conflicts=True, unique_fields=["key"], update_fields=[*lease, "expires_at"]
    )
    return token


def renew(key: str, token: UUID, now: datetime) -> bool:
    """Renew a lease; False if the token is no longer valid."""
    owned = LiveStream.objects.filter(key=key, token=token)
    ttl_sec = owned.values_list("ttl_sec", flat=True).first()
    return ttl_sec is not None and bool(owned.update(expires_at=now + timedelta(seconds=ttl_sec)))


def renew_all(tokens: Collection[UUID], until: datetime) -> None:
    """Renew the leases of these tokens."""
    LiveStream.objects.filter(token__in=tokens).update(expires_at=until)


def end(key: str, token: UUID) -> bool:
    """Delete a lease; False if the token is not valid."""
    return bool(LiveStream.objects.filter(key=key, token=token).delete()[0])


def count_live(now: datetime) -> int:
    """Return the number of live streams."""
    return LIVE.count(now=now)


NOW: Any = Param("now", LiveStream.expires_at)
LIVE = Select(LiveStream.objects.live(NOW).order_by().only("pk"))


def sweep(now: datetime) -> int:
    """Delete expired leases."""
    return LiveStream.objects.filter(expires_at__lte=now).delete()[0]


def record(
    key: str, *, started_at: datetime, ended_at: datetime, reason: str, **latencies: int | None
) -> None:
    """Store the outcome of a stream; `latencies`: first_token_ms and overhead_ms, if known."""
    total_ms = max(0, round((ended_at - started_at).total_seconds() * 1000))
    StreamRecord.objects.create(
        key=key, started_at=started_at, ended_at=ended_at, reason=reason, total_ms=total_ms, **latencies
    )


def first_token_ms(since: datetime) -> list[int]:
    """Return the times to the first token of the streams that ended since, sorted."""
    records = StreamRecord.objects.filter(ended_at__gte=since, first_token_ms__isnull=False)
    return [
        ms
        for ms in records.order_by("first_token_ms").values_list("first_token_ms", flat=True)
        if ms is not None
    ]


def prune(before: datetime, most: int) -> int:
    """Delete at most `most` records of streams that ended before; return how many."""
    oldest = StreamRecord.objects.filter(ended_at__lt=before).order_by("ended_at")
    old = list(oldest.values_list("pk", flat=True)[:most])
    return StreamRecord.objects.filter(pk__in=old).delete()[0]
