"""The typed events of a run or reply; the transcript stores their `kind` and `data()`."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import Any, ClassVar, Literal, Self

from agents.protocol.usage import Usage
from agents.states import FailureKind, FailureReason

type Outcome = Literal["completed", "failed", "parked"]  # parked: waiting for an approval
type Data = dict[str, Any]


class _Event:
    kind: ClassVar[str]

    def data(self) -> Data:
        """Return the fields as JSON values."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    @classmethod
    def from_data(cls, data: Data) -> Self:
        """Build the event from `data()`; fields of a newer version are ignored."""
        known = {field.name for field in fields(cls)}  # type: ignore[arg-type]
        return cls(**{name: _parse_field(name, value) for name, value in data.items() if name in known})


@dataclass(frozen=True)
class TurnStarted(_Event):
    """The model is being called. If the number repeats, the text of the earlier attempt is superseded."""

    turn: int
    kind: ClassVar[str] = "turn_started"


@dataclass(frozen=True)
class ReplyStarted(_Event):
    """The provider has started to reply, so the reply must be charged even if its end is lost."""

    turn: int
    charge_key: str  # hexadecimal; of the ledger entry that pays for the reply
    usage: Usage  # as known then: the input
    model: str
    provider: str
    kind: ClassVar[str] = "reply_started"

    def data(self) -> Data:
        return super().data() | {"usage": asdict(self.usage)}


@dataclass(frozen=True)
class TextDelta(_Event):
    turn: int
    text: str
    kind: ClassVar[str] = "text_delta"


@dataclass(frozen=True)
class ThinkingDelta(_Event):
    turn: int
    text: str
    kind: ClassVar[str] = "thinking_delta"


@dataclass(frozen=True)
class TurnFinished(_Event):
    """A complete reply, charged, before any of its tools is called."""

    turn: int
    content: list[Data]  # the API's blocks as received, with the signatures of thinking
    stop_reason: str
    usage: Usage
    cost_usd: Decimal | None  # None: the price is not known
    model: str
    estimated: bool = False
    provider: str = ""
    kind: ClassVar[str] = "turn_finished"

    def data(self) -> Data:
        return super().data() | {
            "usage": asdict(self.usage),
            "cost_usd": None if self.cost_usd is None else str(self.cost_usd),
        }


@dataclass(frozen=True)
class ToolStarted(_Event):
    """Written before the call begins."""

    turn: int
    call_id: str
    name: str
    arguments: Data
    allowed: str = ""  # the standing approval that allowed it; empty if none
    kind: ClassVar[str] = "tool_started"


@dataclass(frozen=True)
class ToolFinished(_Event):
    call_id: str
    name: str
    is_error: bool
    result: str
    duration_ms: int
    kind: ClassVar[str] = "tool_finished"


@dataclass(frozen=True)
class ApprovalRequested(_Event):
    """A call waits for a person; `approval_kind` is stored as `kind`."""

    approval_id: str
    call_id: str
    tool: str
    approval_kind: str
    text: str
    card: Data
    expires_at: str
    always_in: str = ""  # the scope in which it can always be allowed; empty: never
    kind: ClassVar[str] = "approval_requested"

    def data(self) -> Data:
        data = super().data()
        return data | {"kind": data.pop("approval_kind")}

    @classmethod
    def from_data(cls, data: Data) -> Self:
        return super().from_data(data | {"approval_kind": data["kind"]})


@dataclass(frozen=True)
class ApprovalResolved(_Event):
    """The engine has applied the resolution of an approval."""

    approval_id: str
    call_id: str
    status: str
    answer: str = ""
    kind: ClassVar[str] = "approval_resolved"


@dataclass(frozen=True)
class Notice(_Event):
    """Something the engine did that a reader should know; `code` is for programs."""

    code: str
    text: str
    kind: ClassVar[str] = "notice"


@dataclass(frozen=True)
class Finished(_Event):
    """The last event of an attempt: its outcome and the answer, which can be partial."""

    outcome: Outcome
    reason: FailureReason | None = None
    detail: str = ""
    text: str = ""
    partial: bool = False
    retryable: bool = False
    retry_after_sec: float | None = None
    failure: FailureKind | None = None  # more specific than the reason
    report: Data | None = None
    kind: ClassVar[str] = "finished"


type Event = (
    TurnStarted
    | ReplyStarted
    | TextDelta
    | ThinkingDelta
    | TurnFinished
    | ToolStarted
    | ToolFinished
    | ApprovalRequested
    | ApprovalResolved
    | Notice
    | Finished
)

KINDS: dict[str, type[Event]] = {
    event.kind: event
    for event in (
        TurnStarted, ReplyStarted, TextDelta, ThinkingDelta, TurnFinished, ToolStarted, ToolFinished,
        ApprovalRequested, ApprovalResolved, Notice, Finished,
    )
}  # fmt: skip

_FIELD_PARSERS: dict[str, Callable[[Any], Any]] = {
    "usage": lambda value: Usage(**value),
    "cost_usd": lambda value: None if value is None else Decimal(value),
    "reason": lambda value: FailureReason(value) if value else None,
    "failure": lambda value: FailureKind(value) if value else None,
}


def from_row(kind: str, data: Data) -> Event:
    """Build the event of a stored row; an unknown kind becomes a notice."""
    return KINDS[kind].from_data(data) if kind in KINDS else Notice(code=kind, text="")


def _parse_field(name: str, value: Any) -> Any:
    return _FIELD_PARSERS[name](value) if name in _FIELD_PARSERS else value
