"""What the chat itself writes into logs: a reply begins and ends, and the news of a person's feed."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar


class _Event:
    kind: ClassVar[str]

    def data(self) -> dict[str, Any]:
        """Return the fields as JSON takes them."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True)
class Started(_Event):
    """Somebody works on the reply."""

    model: str
    profile: str
    kind: ClassVar[str] = "started"


@dataclass(frozen=True)
class Finalised(_Event):
    """The last event of a reply: how it ended, and what its text must be."""

    status: str
    reason: str
    notice: str
    sha256: str
    length: int  # in characters
    kind: ClassVar[str] = "settled"


@dataclass(frozen=True)
class FeedEvent(_Event):
    """Something changed in one of a person's conversations; whoever shows it reads it anew."""

    what: str  # message, settled or conversation
    conversation_id: int
    message_id: int | None = None
    transcript_id: int | None = None  # of a reply that may be tailed; not for readers
    kind: ClassVar[str] = "news"
