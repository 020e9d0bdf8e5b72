"""Reads the tool calls in the logs of replies; start and end of a call become one `Call`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.models import Event
from agents.protocol.events import ToolFinished, ToolStarted
from chat.feed.frames import frame_of
from chat.models import Message


@dataclass(frozen=True)
class Call:
    """A tool call; `result`, `is_error` and `duration_ms` are None until it ends."""

    call_id: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    result: str | None = None
    is_error: bool | None = None
    duration_ms: int | None = None
    allowed: str | None = None  # the standing approval that allowed it


class ShownIds:
    """The displayed ids of the calls of one log.

    Some servers reuse an id in a later turn. Only old logs have such ids: there the second call is `id_2`.
    """

    def __init__(self) -> None:
        self._turns: dict[str, list[int]] = {}

    def of_start(self, data: dict[str, Any]) -> str:
        """Return the id of a call that starts, or is repeated in its turn."""
        call_id, turn = data["call_id"], data.get("turn", 0)
        turns = self._turns.setdefault(call_id, [])
        if turn not in turns:
            turns.append(turn)
        return self._name(call_id, turns.index(turn))

    def of_end(self, data: dict[str, Any]) -> str:
        """Return the id of a call that ends: the latest that started with it."""
        return self._name(data["call_id"], len(self._turns.get(data["call_id"], ())) - 1)

    def _name(self, call_id: str, number: int) -> str:
        return call_id if number < 1 else f"{call_id}_{number + 1}"


def calls_of(messages: Sequence[Message]) -> dict[int, list[Call]]:
    """Return the calls of replies by transcript id, in order; a repeated call has its last result.

    Calls of delivered runs are left out; the page of the run shows them.
    """
    logs = [each.transcript_id for each in messages if each.transcript_id and each.run_id is None]
    kinds = (ToolStarted.kind, ToolFinished.kind)
    rows = Event.objects.filter(transcript_id__in=logs, kind__in=kinds).order_by("transcript_id", "seq")
    found: dict[int, dict[str, dict[str, Any]]] = {}
    ids: dict[int, ShownIds] = {}
    for log, seq, kind, data in rows.values_list("transcript_id", "seq", "kind", "data"):
        shown = ids.setdefault(log, ShownIds())
        call_id = shown.of_start(data) if kind == ToolStarted.kind else shown.of_end(data)
        frame = frame_of(0, seq, kind, data) | {"call_id": call_id}
        found.setdefault(log, {}).setdefault(call_id, {}).update(frame)
    return {log: [_call(frame) for frame in frames.values()] for log, frames in found.items()}


def _call(frame: dict[str, Any]) -> Call:
    return Call(**{name: frame[name] for name in Call.__dataclass_fields__ if name in frame})
