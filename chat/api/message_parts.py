"""What belongs to messages and is kept elsewhere: calls of tools, open questions, how the stream went."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from pydantic import Field

from agents.events import ToolFinished, ToolStarted
from agents.models import Event, Question, StreamRecord
from chat.frames import frame_of
from chat.models import Message
from stagent.lib.api.values import Id, Row


class ToolRow(Row):
    """One call of a tool, its beginning and its end folded; without an end, `result` is null."""

    call_id: str
    name: str
    arguments: dict[str, Any]
    result: str | None = Field(default=None, description="At most 20,000 characters of it.")
    is_error: bool = False
    duration_ms: int | None = None


class OpenQuestion(Row):
    """What an agent has to ask before it goes on; answer it at /api/questions/{question_id}/answer."""

    question_id: Id = Field(validation_alias="pk")
    call_id: str
    tool: str
    kind: str
    text: str
    card: dict[str, Any]
    expires_at: datetime


@dataclass(frozen=True)
class Parts:
    """Calls by log, questions by message, records of streams by their key."""

    tools: dict[int, list[ToolRow]]
    questions: dict[int, list[OpenQuestion]]
    records: dict[str, StreamRecord]

    @classmethod
    def of(cls, messages: Sequence[Message]) -> Self:
        """Look up what belongs to messages, in three queries at most."""
        replies = [each for each in messages if each.transcript_id and each.run_id is None]
        waiting = [each.pk for each in replies if not each.finished]
        return cls(
            tools=tools_of([each.transcript_id for each in replies if each.transcript_id]),
            questions=_questions_of(waiting) if waiting else {},
            records=_records_of([each.stream_key for each in replies if each.finished]),
        )


def tools_of(transcript_ids: Sequence[int]) -> dict[int, list[ToolRow]]:
    """Return the calls in these logs, in order; of one that was begun again, its last end."""
    kinds = (ToolStarted.kind, ToolFinished.kind)
    rows = Event.objects.filter(transcript_id__in=transcript_ids, kind__in=kinds)
    found: dict[int, dict[str, dict[str, Any]]] = {}
    for log, seq, kind, data in rows.order_by("transcript_id", "seq").values_list(
        "transcript_id", "seq", "kind", "data"
    ):
        frame = frame_of(0, seq, kind, data)
        found.setdefault(log, {}).setdefault(frame["call_id"], {"arguments": {}}).update(frame)
    return {log: [ToolRow.model_validate(call) for call in calls.values()] for log, calls in found.items()}


def _questions_of(message_ids: Iterable[int]) -> dict[int, list[OpenQuestion]]:
    found: dict[int, list[OpenQuestion]] = {}
    for question in Question.objects.open().filter(message_id__in=message_ids).order_by("pk"):
        found.setdefault(question.message_id or 0, []).append(OpenQuestion.model_validate(question))
    return found


def _records_of(keys: Iterable[str]) -> dict[str, StreamRecord]:
    return {record.key: record for record in StreamRecord.objects.filter(key__in=keys)}
