"""Who waits, for what, and until when?"""

from dataclasses import dataclass
from datetime import datetime

from agents.models import Provider
from schedules import eta, waits
from schedules.models import Run
from schedules.situation import Situation
from schedules.states import WaitReason

MOST = 20  # runs that are shown; the others are counted


@dataclass(frozen=True)
class Waiting:
    """A queued run, what it waits for and when it is expected to start, where that can be known."""

    run: Run
    reason: WaitReason
    sentence: str
    expected_at: datetime | None


@dataclass(frozen=True)
class Queue:
    """The head of the queue and how long it is in all."""

    head: list[Waiting]
    length: int


def look(situation: Situation, most: int = MOST) -> Queue:
    """Return who waits, first in line first."""
    runs = Run.objects.queued().select_related("schedule").order_by("claim_order", "pk")
    return Queue(explain(list(runs[:most]), situation), runs.count())


def explain(runs: list[Run], situation: Situation) -> list[Waiting]:
    """Say of each queued run what it waits for."""
    starts = eta.starts(situation) if runs else {}
    line = {run: place for place, run in enumerate(starts, start=1)}
    return [_explain(run, situation, starts, line) for run in runs]


def _explain(run: Run, situation: Situation, starts: dict[int, datetime], line: dict[int, int]) -> Waiting:
    reason = waits.reason(run, situation) or WaitReason.SLOT
    sentence = waits.SENTENCES[reason]
    if reason == WaitReason.SLOT:
        sentence = _place_in_line(line.get(run.pk))
    return Waiting(run, reason, sentence, starts.get(run.pk) or _until(run, reason, situation))


def _place_in_line(place: int | None) -> str:
    if place is None:
        return "Waiting for an earlier run of its own schedule to end."
    return "Waiting for a free slot, first in line." if place == 1 else f"Waiting for a free slot, number {place} in line."


def _until(run: Run, reason: WaitReason, situation: Situation) -> datetime | None:
    """Return when what holds it back is over, where that is a matter of time."""
    match reason:
        case WaitReason.RETRY:
            return run.not_before
        case WaitReason.CHAT:
            return run.due_at + situation.conf.chat_max_delay
        case WaitReason.BREAKER:
            return _patience(situation.now)
        case _:
            return None


def _patience(now: datetime) -> datetime | None:
    """Return when the next provider may be asked again."""
    blocked = Provider.objects.blocked(now).values_list("open_until", "probe_until", "blocked_until")
    ends = [moment for row in blocked for moment in row if moment and moment > now]
    return min(ends, default=None)
