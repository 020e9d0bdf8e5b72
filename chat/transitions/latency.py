"""How long the reader of a reply has waited, and for what; their own answers are not waited for."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agents.models import Event
from agents.protocol.events import Finished, TextDelta, TurnStarted
from chat.models import Message


@dataclass
class ReplyLatency:
    """Milliseconds: before the reply was claimed, and since."""

    before_ms: int
    since: float = field(default_factory=time.monotonic)
    asked_ms: int | None = None
    spoke_ms: int | None = None

    def note_asked(self) -> None:
        """Note that the model is being asked, the first time."""
        self.asked_ms = self._now() if self.asked_ms is None else self.asked_ms

    def note_spoken(self) -> None:
        """Note that a word is to be seen, the first time."""
        self.spoke_ms = self._now() if self.spoke_ms is None else self.spoke_ms

    def facts(self) -> dict[str, int | None]:
        """Return the milliseconds until the first word, and the part of them before the model was asked."""
        return {"first_token_ms": self.spoke_ms, "overhead_ms": self.asked_ms}

    def _now(self) -> int:
        return self.before_ms + round((time.monotonic() - self.since) * 1000)


def latency_of(reply: Message, now: datetime) -> ReplyLatency:
    """Return how long the reader of a reply, as it was before it was claimed, has waited."""
    if reply.started_at is None:
        return ReplyLatency(_ms(now - since(reply)))
    waited = ReplyLatency(0)
    for kind, after in _stretches(reply):
        waited.before_ms = _ms(after)
        if kind == TurnStarted.kind and waited.asked_ms is None:
            waited.asked_ms = waited.before_ms
        elif kind == TextDelta.kind and waited.spoke_ms is None:
            waited.spoke_ms = waited.before_ms
    return waited


def _stretches(reply: Message) -> Iterator[tuple[str, timedelta]]:
    """Yield what happened, and how much waiting came before it, of a reply that was put aside before."""
    waited = timedelta()
    begun: datetime | None = since(reply)
    log = Event.objects.filter(transcript=reply.transcript_id).order_by("seq")
    for kind, at, outcome in log.values_list("kind", "at", "data__outcome"):
        begun = begun or at
        yield kind, waited + (at - begun)
        if kind == Finished.kind and outcome == "parked":
            waited, begun = waited + (at - begun), None


def measured(reply: Message, waited: dict[str, int | None], now: datetime) -> dict[str, int | None]:
    """Return what its worker has measured and, where it was stopped or died before, what the log says."""
    if reply.started_at is None or waited.get("first_token_ms") is not None:
        return waited
    return latency_of(reply, now).facts() | {name: ms for name, ms in waited.items() if ms is not None}


def since(reply: Message) -> datetime:
    """Return when its reader began to wait: at the sending, or when what was said before was answered."""
    began, before = reply.created_at, _before(reply)
    while before is not None:
        began = max(began, before.finished_at or began)
        if before.started_at:
            break
        before = _before(
            before
        )  # it was withdrawn from the queue, so the next one waited for what it waited for
    return began


def _before(reply: Message) -> Message | None:
    return reply.parent.parent if reply.parent else None


def _ms(span: timedelta) -> int:
    return max(0, round(span.total_seconds() * 1000))
