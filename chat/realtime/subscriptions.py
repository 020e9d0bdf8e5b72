"""What one socket follows: its person's feed and their replies, each from the number it has seen."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from chat.feed.events import Finalised
from chat.feed.frames import Frame, feed_frame, frame_of
from chat.feed.queries import Row

MOST_UNACKED = 256  # frames of a reply, of a client that acknowledges at all
MOST_BACKLOG = 500  # events; who is further behind gets a snapshot


@dataclass
class ReplyCursor:
    """One reply as this socket has seen it."""

    message_id: int
    seen: int
    acked: int | None = None  # None: this client does not acknowledge
    behind: bool = False  # it was too slow: nothing more is sent until it has caught up, then a snapshot

    @property
    def is_slow(self) -> bool:
        return self.acked is not None and self.seen - self.acked >= MOST_UNACKED


@dataclass(eq=False)
class Subscription:
    """One socket's places in the logs. `send` must not block."""

    owner_id: int
    feed_log: int
    feed_seen: int
    send: Callable[[Frame], None]
    follows: dict[int, ReplyCursor] = field(default_factory=dict)  # by log

    def follow(self, log: int, message_id: int, seen: int) -> None:
        """Follow a reply from here on."""
        self.follows[log] = ReplyCursor(message_id, seen)

    def positions(self) -> Iterator[tuple[int, int]]:
        """Yield every log that this socket wants to hear of, with what it has seen of it."""
        yield self.feed_log, self.feed_seen
        yield from ((log, each.seen) for log, each in self.follows.items() if not each.behind)

    def take(self, row: Row) -> None:
        """Send an event if it is the next of its log."""
        log, seq, _, data = row
        if log == self.feed_log:
            if seq == self.feed_seen + 1:
                self._take_news(seq, data)
        elif (each := self.follows.get(log)) and seq == each.seen + 1 and not each.behind:
            self._take_event(each, row)

    def ack(self, message_id: int, seq: int) -> ReplyCursor | None:
        """Note how far the client has come; return the reply if it has caught up and needs a snapshot."""
        each = next((each for each in self.follows.values() if each.message_id == message_id), None)
        if each is None:
            return None
        each.acked = max(each.acked or 0, min(seq, each.seen))
        return each if each.behind and each.seen - each.acked <= MOST_UNACKED // 2 else None

    def _take_news(self, seq: int, data: dict[str, Any]) -> None:
        self.feed_seen = seq
        if (log := data.get("transcript_id")) and data.get("what") == "message" and log not in self.follows:
            self.follow(log, data["message_id"], 0)
        self.send(feed_frame(seq, data))

    def _take_event(self, each: ReplyCursor, row: Row) -> None:
        log, seq, kind, data = row
        each.seen = seq
        self.send(frame_of(each.message_id, seq, kind, data))
        if kind == Finalised.kind:
            del self.follows[log]
        elif each.is_slow:
            each.behind = True
