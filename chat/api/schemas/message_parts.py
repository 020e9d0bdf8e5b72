"""Loads the related rows of messages: parts, tool calls, approvals, files, stream records."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from pydantic import Field

from agents.models import Approval, StreamRecord
from agents.spending import budgets
from chat.conversations import attachments
from chat.history.parts import Part, PartKind, parts_from, parts_of
from chat.history.tool_calls import Call, calls_of
from chat.models import Attachment, Message
from chat.states import Role
from stagent.lib.api.types import Id, NullableText, Row
from stagent.lib.web.markdown import to_html


class ToolRow(Row):
    """A tool call; `result`, `is_error` and `duration_ms` are null until it ends."""

    call_id: str
    name: str
    arguments: dict[str, Any]
    result: str | None = Field(description="At most 20,000 characters.")
    is_error: bool | None
    duration_ms: int | None
    allowed: NullableText = Field(description="The standing approval that allowed it; null: none.")


class PartRow(Row):
    """Thinking, text, or a tool call, whose details are in `tools`."""

    kind: PartKind
    text: str | None
    html: str | None = Field(None, description="The Markdown of a finished text as safe HTML.")
    call_id: str | None
    duration_ms: int | None = Field(description="Of thinking that has ended.")


class OpenApproval(Row):
    """An open approval request; answer it at /api/approvals/{approval_id}/answer."""

    approval_id: Id = Field(validation_alias="pk")
    call_id: str
    tool: str
    kind: str
    text: str
    card: dict[str, Any]
    expires_at: datetime
    always_in: NullableText = Field(
        validation_alias="place",
        description="The scope of `always`; null: the tool asks every time.",
    )


@dataclass(frozen=True)
class Parts:
    """Parts and calls by transcript id, approvals and files by message id, stream records by key."""

    parts: dict[int, list[Part]]
    calls: dict[int, list[Call]]
    approvals: dict[int, list[OpenApproval]]
    records: dict[str, StreamRecord]
    files: dict[int, list[Attachment]]
    unpriced: Collection[int]  # replies of models without a known price

    @classmethod
    def of(cls, messages: Sequence[Message]) -> Self:
        """Load the related rows of messages in at most six queries."""
        replies = [each for each in messages if each.transcript_id and each.run_id is None]
        waiting = [each.pk for each in replies if not each.finished]
        unparsed = [each.transcript_id for each in replies if each.outline is None and each.transcript_id]
        return cls(
            parts=parts_of(unparsed) if unparsed else {},
            calls=calls_of(replies),
            approvals=_approvals_of(waiting) if waiting else {},
            records=_records_of([each.stream_key for each in replies if each.finished]),
            unpriced=budgets.unpriced("message_id", [each.pk for each in replies if each.finished]),
            files=attachments.of_messages([each.pk for each in messages if each.files]),
        )

    def inside(self, message: Message) -> list[PartRow]:
        """Return the parts of a message in their order."""
        if message.outline is not None:
            parts = parts_from(message.outline, message.text)
        elif message.run_id is None and message.transcript_id in self.parts:
            parts = self.parts[message.transcript_id]
        else:
            parts = [Part(PartKind.TEXT, [message.text])] if message.text else []
        return [_part_row(part, message) for part in parts]


def _part_row(part: Part, message: Message) -> PartRow:
    is_rendered = part.kind == PartKind.TEXT and message.role == Role.ASSISTANT and message.finished
    return PartRow(**part.shown(), html=to_html(part.text) if is_rendered else None)


def _approvals_of(message_ids: Iterable[int]) -> dict[int, list[OpenApproval]]:
    found: dict[int, list[OpenApproval]] = {}
    for approval in Approval.objects.open().filter(message_id__in=message_ids).order_by("pk"):
        found.setdefault(approval.message_id or 0, []).append(OpenApproval.model_validate(approval))
    return found


def _records_of(keys: Iterable[str]) -> dict[str, StreamRecord]:
    return {record.key: record for record in StreamRecord.objects.filter(key__in=keys)}
