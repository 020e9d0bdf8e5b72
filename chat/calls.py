"""The calls of tools in the logs of replies, each with its beginning and its end folded into one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.events import ToolFinished, ToolStarted
from agents.models import Event
from chat.frames import frame_of
from chat.models import Message


@dataclass(frozen=True)
class Call:
    """One call; without an end, `result`, `is_error` and `duration_ms` are None."""

    call_id: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    result: str | None = None
    is_error: bool | None = None
    duration_ms: int | None = None
    allowed: str | None = None  # by whose standing leave nobody was asked


def calls_of(messages: Sequence[Message]) -> dict[int, list[Call]]:
    """Return the calls of replies by log, in order, as they are shown; of one made again, its last end.

    Those of a run whose result was delivered are on the run's own page.
    """
    logs = [each.transcript_id for each in messages if each.transcript_id and each.run_id is None]
    kinds = (ToolStarted.kind, ToolFinished.kind)
    rows = Event.objects.filter(transcript_id__in=logs, kind__in=kinds).order_by("transcript_id", "seq")
    found: dict[int, dict[str, dict[str, Any]]] = {}
    for log, seq, kind, data in rows.values_list("transcript_id", "seq", "kind", "data"):
        frame = frame_of(0, seq, kind, data)
        found.setdefault(log, {}).setdefault(frame["call_id"], {}).update(frame)
    return {log: [_call(frame) for frame in frames.values()] for log, frames in found.items()}


def _call(frame: dict[str, Any]) -> Call:
    return Call(**{name: frame[name] for name in Call.__dataclass_fields__ if name in frame})
