"""What belongs to messages and is kept elsewhere: calls of tools, open questions, how the stream went."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from pydantic import Field

from agents.models import Question, StreamRecord
from chat.calls import Call, calls_of
from chat.models import Message
from stagent.lib.api.values import Id, Row


class ToolRow(Row):
    """One call of a tool; without an end, `result`, `is_error` and `duration_ms` are null."""

    call_id: str
    name: str
    arguments: dict[str, Any]
    result: str | None = Field(description="At most 20,000 characters of it.")
    is_error: bool | None
    duration_ms: int | None


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

    calls: dict[int, list[Call]]
    questions: dict[int, list[OpenQuestion]]
    records: dict[str, StreamRecord]

    @classmethod
    def of(cls, messages: Sequence[Message]) -> Self:
        """Look up what belongs to messages, in three queries at most."""
        replies = [each for each in messages if each.transcript_id and each.run_id is None]
        waiting = [each.pk for each in replies if not each.finished]
        return cls(
            calls=calls_of(replies),
            questions=_questions_of(waiting) if waiting else {},
            records=_records_of([each.stream_key for each in replies if each.finished]),
        )


def _questions_of(message_ids: Iterable[int]) -> dict[int, list[OpenQuestion]]:
    found: dict[int, list[OpenQuestion]] = {}
    for question in Question.objects.open().filter(message_id__in=message_ids).order_by("pk"):
        found.setdefault(question.message_id or 0, []).append(OpenQuestion.model_validate(question))
    return found


def _records_of(keys: Iterable[str]) -> dict[str, StreamRecord]:
    return {record.key: record for record in StreamRecord.objects.filter(key__in=keys)}
