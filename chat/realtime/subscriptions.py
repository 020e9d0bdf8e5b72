"""What one socket follows: its user's feed and their replies, each after the `seq` it has seen."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from chat.feed.events import Finalised
from chat.feed.frames import Frame, feed_frame, frame_of
from chat.feed.queries import Row

MOST_UNACKED = 256  # frames of a reply, for clients that acknowledge
MOST_BACKLOG = 500  # events; a client further behind gets a snapshot


@dataclass
class ReplyCursor:
    """How far this socket is in one reply."""

    message_id: int
    seen: int
    acked: int | None = None  # None: the client does not acknowledge
    behind: bool = False  # too slow: nothing is sent until it has caught up, then a snapshot

    @property
    def is_slow(self) -> bool:
        return self.acked is not None and self.seen - self.acked >= MOST_UNACKED


@dataclass(eq=False)
class Subscription:
    """One socket's cursors. `send` must not block."""

    owner_id: int
    feed_log: int
    feed_seen: int
    send: Callable[[Frame], None]
    follows: dict[int, ReplyCursor] = field(default_factory=dict)  # by log

    def follow(self, log: int, message_id: int, seen: int) -> None:
        """Follow a reply from the event after `seen`."""
        self.follows[log] = ReplyCursor(message_id, seen)

    def positions(self) -> Iterator[tuple[int, int]]:
        """Yield each log that this socket follows, with the `seq` it has seen."""
        yield self.feed_log, self.feed_seen
        yield from ((log, each.seen) for log, each in self.follows.items() if not each.behind)

    def take(self, row: Row) -> None:
        """Send an event if it is the next one of its log."""
        log, seq, _, data = row
        if log == self.feed_log:
            if seq == self.feed_seen + 1:
                self._take_feed_event(seq, data)
        elif (each := self.follows.get(log)) and seq == each.seen + 1 and not each.behind:
            self._take_event(each, row)

    def ack(self, message_id: int, seq: int) -> ReplyCursor | None:
        """Record an acknowledgement; return the cursor if the client has caught up and needs a snapshot."""
        each = next((each for each in self.follows.values() if each.message_id == message_id), None)
        if each is None:
            return None
        each.acked = max(each.acked or 0, min(seq, each.seen))
        return each if each.behind and each.seen - each.acked <= MOST_UNACKED // 2 else None

    def _take_feed_event(self, seq: int, data: dict[str, Any]) -> None:
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
