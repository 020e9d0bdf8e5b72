"""How the streams of a while went: why they ended, and how long their readers waited. No words of anybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet

from agents.models import LiveStream, StreamRecord
from chat.models import Message
from chat.states import Reason

MESSAGE = "message:"  # how the key of a reply's stream begins
MOST_MEASURED = 20_000  # records of one figure, the newest
FIGURES = {"first_token_ms": "First word", "overhead_ms": "Our part of it", "total_ms": "Whole answer"}


@dataclass(frozen=True)
class Spread:
    """How a figure is spread; None where nothing was measured."""

    count: int
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True)
class StreamMetrics:
    """What a look at the records says."""

    count: int
    reasons: dict[str, int]
    spreads: dict[str, Spread]


def summary(records: QuerySet[StreamRecord]) -> StreamMetrics:
    """Sum up these records."""
    counted = records.order_by().values("reason").annotate(streams=Count("pk"))
    reasons = {row["reason"]: row["streams"] for row in counted.order_by("-streams", "reason")}
    newest = records.order_by("-ended_at", "-pk").values_list(*FIGURES)[:MOST_MEASURED]
    columns = list(zip(*newest, strict=True)) or [()] * len(FIGURES)
    spreads = {name: spread(column) for name, column in zip(FIGURES, columns, strict=True)}
    return StreamMetrics(sum(reasons.values()), reasons, spreads)


def tone(reason: str) -> str:
    """Say in a colour how a stream ended: well, because somebody stopped it, or badly."""
    if reason == Reason.COMPLETED:
        return "good"
    return "calm" if reason in (Reason.CLIENT_STOP, Reason.SHUTDOWN) else "bad"


def spread(values: Sequence[int | None]) -> Spread:
    """Return the figures at half, at 19 of 20 and at 99 of 100; by nearest rank."""
    measured = sorted(value for value in values if value is not None)
    if not measured:
        return Spread(0)
    return Spread(len(measured), *(_at(measured, percent) for percent in (50, 95, 99)))


def _at(ordered: Sequence[int], percent: int) -> float:
    rank = -(-len(ordered) * percent // 100)
    return float(ordered[max(0, rank - 1)])


@dataclass(frozen=True)
class LiveReply:
    """A reply that streams: in which conversation, to whom. Never its words."""

    stream: LiveStream
    conversation_id: int | None = None
    reader: str = ""


def live(now: datetime) -> QuerySet[LiveStream]:
    """Return the streams alive now, the oldest first."""
    return LiveStream.objects.live(now).order_by("started_at", "pk")


def being_answered(now: datetime) -> list[LiveReply]:
    """Return who is being answered now, the longest first."""
    streams = list(live(now))
    keys = {f"{MESSAGE}{number}": number for number in _numbers(streams)}
    found = Message.objects.select_related("conversation__owner").in_bulk(keys.values())
    messages = {stream.key: found.get(keys.get(stream.key, 0)) for stream in streams}
    return [_answer(stream, messages[stream.key]) for stream in streams]


def _numbers(streams: Sequence[LiveStream]) -> list[int]:
    told = (stream.key.removeprefix(MESSAGE) for stream in streams if stream.key.startswith(MESSAGE))
    return [int(number) for number in told if number.isdecimal()]


def _answer(stream: LiveStream, message: Message | None) -> LiveReply:
    if message is None:
        return LiveReply(stream)
    return LiveReply(stream, message.conversation_id, message.conversation.owner.get_username())
