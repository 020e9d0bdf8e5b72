"""Summarises chat streams: end reasons and latencies, without texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet

from agents.models import LiveStream, StreamRecord
from chat.models import Message
from chat.states import Reason

MESSAGE = "message:"  # prefix of the key of a reply's stream
MOST_MEASURED = 20_000  # records of one figure, the newest
FIGURES = {"first_token_ms": "Time to first token", "overhead_ms": "Overhead", "total_ms": "Total"}


@dataclass(frozen=True)
class Spread:
    """Percentiles of a figure in milliseconds; None without measurements."""

    count: int
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True)
class StreamMetrics:
    """The summary of stream records."""

    count: int
    reasons: dict[str, int]
    spreads: dict[str, Spread]


def summary(records: QuerySet[StreamRecord]) -> StreamMetrics:
    counted = records.order_by().values("reason").annotate(streams=Count("pk"))
    reasons = {row["reason"]: row["streams"] for row in counted.order_by("-streams", "reason")}
    newest = records.order_by("-ended_at", "-pk").values_list(*FIGURES)[:MOST_MEASURED]
    columns = list(zip(*newest, strict=True)) or [()] * len(FIGURES)
    spreads = {name: spread(column) for name, column in zip(FIGURES, columns, strict=True)}
    return StreamMetrics(sum(reasons.values()), reasons, spreads)


def tone(reason: str) -> str:
    """Return the badge tone of an end reason: good, calm (stopped) or bad."""
    if reason == Reason.COMPLETED:
        return "good"
    return "calm" if reason in (Reason.CLIENT_STOP, Reason.SHUTDOWN) else "bad"


def spread(values: Sequence[int | None]) -> Spread:
    """Return the 50th, 95th and 99th percentile, by nearest rank."""
    measured = sorted(value for value in values if value is not None)
    if not measured:
        return Spread(0)
    return Spread(len(measured), *(_at(measured, percent) for percent in (50, 95, 99)))


def _at(ordered: Sequence[int], percent: int) -> float:
    rank = -(-len(ordered) * percent // 100)
    return float(ordered[max(0, rank - 1)])


@dataclass(frozen=True)
class LiveReply:
    """A live stream with its conversation and reader, without its text."""

    stream: LiveStream
    conversation_id: int | None = None
    reader: str = ""


def live(now: datetime) -> QuerySet[LiveStream]:
    """Return the streams alive now, the oldest first."""
    return LiveStream.objects.live(now).order_by("started_at", "pk")


def live_replies(now: datetime) -> list[LiveReply]:
    """Return the live replies, oldest first."""
    streams = list(live(now))
    keys = {f"{MESSAGE}{number}": number for number in _numbers(streams)}
    found = Message.objects.select_related("conversation__owner").in_bulk(keys.values())
    messages = {stream.key: found.get(keys.get(stream.key, 0)) for stream in streams}
    return [_live_reply(stream, messages[stream.key]) for stream in streams]


def _numbers(streams: Sequence[LiveStream]) -> list[int]:
    numbers = (stream.key.removeprefix(MESSAGE) for stream in streams if stream.key.startswith(MESSAGE))
    return [int(number) for number in numbers if number.isdecimal()]


def _live_reply(stream: LiveStream, message: Message | None) -> LiveReply:
    if message is None:
        return LiveReply(stream)
    return LiveReply(stream, message.conversation_id, message.conversation.owner.get_username())
