"""The events that the chat writes: the start and end of a reply, and the changes in a user's feed."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar


class _Event:
    kind: ClassVar[str]

    def data(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True)
class Started(_Event):
    """A worker has started the reply."""

    model: str
    profile: str
    kind: ClassVar[str] = "started"


@dataclass(frozen=True)
class Finalised(_Event):
    """The last event of a reply: its outcome, and the hash and length of its text."""

    status: str
    reason: str
    notice: str
    sha256: str
    length: int  # in characters
    kind: ClassVar[str] = "settled"


@dataclass(frozen=True)
class FeedEvent(_Event):
    """A conversation or message of the user changed; pages load it again."""

    what: str  # message, settled or conversation
    conversation_id: int
    message_id: int | None = None
    transcript_id: int | None = None  # of a reply to follow; not sent to clients
    kind: ClassVar[str] = "news"
