"""The response schema of a message, with everything that the page needs to render it."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from chat.api.schemas.attachments import AttachmentRow
from chat.api.schemas.message_parts import OpenApproval, PartRow, Parts, ToolRow
from chat.history.parts import PartKind
from chat.history.tree import Tree
from chat.models import Message
from chat.states import MessageStatus, Role
from stagent.lib.api.types import Id, NullableId, NullableText, Row, RowWithExtras

EXAMPLE: Any = json.loads("""{
  "id": "84", "conversation_id": "12", "role": "assistant", "status": "complete", "reason": "completed",
  "notice": null, "text": "Two runs failed.", "html": "<p>Two runs failed.</p>\\n", "parent_id": "83",
  "parts": [
    {"kind": "thinking", "text": "Look at the runs.", "html": null, "call_id": null, "duration_ms": 900},
    {"kind": "tool", "text": null, "html": null, "call_id": "toolu_1", "duration_ms": null},
    {"kind": "text", "text": "Two runs failed.", "html": "<p>Two runs failed.</p>\\n", "call_id": null,
     "duration_ms": null}],
  "attachments": [], "siblings": ["84"],
  "model": null, "profile": "operator", "run_id": null, "schedule_id": null, "card": {},
  "tools": [{"call_id": "toolu_1", "name": "list_runs", "arguments": {"status": "failed"}, "result": "…",
             "is_error": false, "duration_ms": 12}],
  "approvals": [], "last_seq": 31, "created_at": "2026-11-24T09:11:58Z",
  "finished_at": "2026-11-24T09:12:00Z", "first_token_ms": 640, "total_ms": 2100,
  "input_tokens": 1800, "output_tokens": 64, "cost_usd": 0.0064
}""")


class MessageRow(Row):
    """A message. An unfinished reply streams: list its events after `last_seq`."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    id: Id
    conversation_id: Id
    role: Role
    status: MessageStatus
    reason: NullableText = Field(
        description="Why a reply ended, for programs: completed, client_stop, timeout…"
    )
    notice: NullableText = Field(description="Why a reply ended, for users; null if its text is complete.")
    text: str = Field(description="While it streams, the text so far.")
    html: str | None = Field(description="The Markdown of a finished reply as safe HTML.")
    parent_id: NullableId
    parts: list[PartRow] = Field(description="Thinking, texts and tool calls in their order.")
    attachments: list[AttachmentRow] = Field(description="Its files.")
    siblings: list[Id] = Field(description="Messages with the same parent and role, including this one.")
    model: NullableText = Field(description="null: the profile's.")
    profile: NullableText
    run_id: NullableId = Field(description="The run whose result this is.")
    schedule_id: NullableId
    card: dict[str, Any] = Field(description="Data shown with the text, by `type`.")
    tools: list[ToolRow]
    approvals: list[OpenApproval] = Field(description="Its open approval requests.")
    last_seq: int
    created_at: datetime
    finished_at: datetime | None
    first_token_ms: int | None = Field(description="From sending to the first token.")
    total_ms: int | None
    input_tokens: int
    output_tokens: int
    cost_usd: float | None = Field(description="null: a model's price is unknown.")


def message_rows(messages: Iterable[Message], tree: Tree) -> list[MessageRow]:
    """Serialize messages of one conversation; related rows are loaded once for all."""
    messages = list(messages)
    parts = Parts.of(messages)
    return [_row(message, tree, parts) for message in messages]


def message_row(message: Message) -> MessageRow:
    return message_rows([message], Tree.of(message.conversation_id))[0]


def _row(message: Message, tree: Tree, parts: Parts) -> MessageRow:
    record = parts.records.get(message.stream_key)
    own_log = message.transcript if message.run_id is None else None
    inside = parts.inside(message)
    seen = RowWithExtras(
        message,
        text=message.text or _so_far(inside),
        html=_html(message, inside),
        parts=inside,
        attachments=parts.files.get(message.pk, []),
        siblings=tree.siblings(message.pk),
        profile=message.profile.slug if message.profile else None,
        tools=parts.calls.get(message.transcript_id or 0, []),
        approvals=parts.approvals.get(message.pk, []),
        last_seq=own_log.last_seq if own_log else 0,
        first_token_ms=record.first_token_ms if record else None,
        total_ms=record.total_ms if record else None,
        cost_usd=None if message.pk in parts.unpriced else message.cost_usd,
    )
    return MessageRow.model_validate(seen)


def _so_far(inside: Sequence[PartRow]) -> str:
    return "".join(part.text or "" for part in inside if part.kind == PartKind.TEXT)


def _html(message: Message, inside: Sequence[PartRow]) -> str | None:
    """Return the HTML of a finished reply: the HTML of its text parts, joined."""
    if message.role != Role.ASSISTANT or not message.finished:
        return None
    return "".join(part.html or "" for part in inside)
