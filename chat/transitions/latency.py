"""Measures how long a user waits for a reply: until the model is asked, and until the first word.

Time in which a reply is parked for the user's own answer does not count.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agents.models import Event
from agents.protocol.events import Finished, TextDelta, TurnStarted
from chat.models import Message


@dataclass
class ReplyLatency:
    """All in milliseconds since the user began to wait."""

    before_claim_ms: int
    claimed_at: float = field(default_factory=time.monotonic)
    request_ms: int | None = None
    first_word_ms: int | None = None

    def record_request(self) -> None:
        """Record the first request to the model."""
        self.request_ms = self._now() if self.request_ms is None else self.request_ms

    def record_first_word(self) -> None:
        """Record the first word of the reply."""
        self.first_word_ms = self._now() if self.first_word_ms is None else self.first_word_ms

    def facts(self) -> dict[str, int | None]:
        """Return the milliseconds until the first word and until the first request to the model."""
        return {"first_token_ms": self.first_word_ms, "overhead_ms": self.request_ms}

    def _now(self) -> int:
        return self.before_claim_ms + round((time.monotonic() - self.claimed_at) * 1000)


def latency_of(reply: Message, now: datetime) -> ReplyLatency:
    """Return the latency of a reply so far; `reply` as it was before it was claimed."""
    if reply.started_at is None:
        return ReplyLatency(_ms(now - since(reply)))
    latency = ReplyLatency(0)
    for kind, waited in _waits(reply):
        latency.before_claim_ms = _ms(waited)
        if kind == TurnStarted.kind and latency.request_ms is None:
            latency.request_ms = latency.before_claim_ms
        elif kind == TextDelta.kind and latency.first_word_ms is None:
            latency.first_word_ms = latency.before_claim_ms
    return latency


def _waits(reply: Message) -> Iterator[tuple[str, timedelta]]:
    """Yield the kind of each event of a reply that was parked, and how long the user had waited by then."""
    waited = timedelta()
    begun: datetime | None = since(reply)
    log = Event.objects.filter(transcript=reply.transcript_id).order_by("seq")
    for kind, at, outcome in log.values_list("kind", "at", "data__outcome"):
        begun = begun or at
        yield kind, waited + (at - begun)
        if kind == Finished.kind and outcome == "parked":
            waited, begun = waited + (at - begun), None


def measured(reply: Message, facts: dict[str, int | None], now: datetime) -> dict[str, int | None]:
    """Return the worker's measurements; those that it lacks, because it died, come from the event log."""
    if reply.started_at is None or facts.get("first_token_ms") is not None:
        return facts
    return latency_of(reply, now).facts() | {name: ms for name, ms in facts.items() if ms is not None}


def since(reply: Message) -> datetime:
    """Return when the wait began: when the message was sent, or when the reply before it finished."""
    began, previous = reply.created_at, _previous(reply)
    while previous is not None:
        began = max(began, previous.finished_at or began)
        if previous.started_at:
            break
        previous = _previous(previous)  # a reply withdrawn from the queue: it waited for the one before it
    return began


def _previous(reply: Message) -> Message | None:
    return reply.parent.parent if reply.parent else None


def _ms(span: timedelta) -> int:
    return max(0, round(span.total_seconds() * 1000))
