"""The queue: waiting runs, their wait reasons and expected starts."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from agents.models import Provider
from schedules.capacity import wait_reasons
from schedules.capacity.conditions import StartConditions
from schedules.dashboard import budgets
from schedules.dashboard.budgets import BudgetResets
from schedules.forecast.duration_history import History
from schedules.forecast.eta import expected_end, expected_starts
from schedules.models import Run
from schedules.states import WaitReason

MOST, MOST_PARKED = 8, 4  # runs that are listed; the others are counted


@dataclass(frozen=True)
class Waiting:
    """A queued run, its wait reason and its expected start, if known."""

    run: Run
    reason: WaitReason
    sentence: str
    expected_at: datetime | None


@dataclass(frozen=True)
class Queue:
    """The head and length of the queue, and the runs that wait for an answer."""

    head: list[Waiting]
    length: int
    parked: list[Run]  # waiting for an answer, longest wait first
    parked_length: int


def load(situation: StartConditions, most: int = MOST) -> Queue:
    """Return the queue in claim order."""
    runs = Run.objects.queued().select_related("schedule").order_by("claim_order", "pk")
    parked = Run.objects.waiting().order_by("waiting_since", "pk")
    head = explain(list(runs[:most]), situation)
    return Queue(head, runs.count(), list(parked[:MOST_PARKED]), parked.count())


def explain(runs: list[Run], situation: StartConditions) -> list[Waiting]:
    """Return the wait reason and expected start of each queued run."""
    line = QueueRow(expected_starts(situation) if runs else {}, situation)
    return [_explain(run, situation, line) for run in runs]


@dataclass
class QueueRow:
    """The expected starts of runs that only need a slot, in claim order."""

    starts: dict[int, datetime]
    situation: StartConditions

    @cached_property
    def own_ends(self) -> dict[int | None, datetime]:
        """The expected end of the last running run of each schedule."""
        now, ends = self.situation.now, dict[int | None, datetime]()
        history = History(self.situation.conf)
        for run in Run.objects.running().select_related("schedule"):
            end = expected_end(run, history, now)
            ends[run.schedule_id] = max(end, ends.get(run.schedule_id, end))
        return ends

    @cached_property
    def refills(self) -> BudgetResets:
        return budgets.load(self.situation.now)

    def expected(self, run: Run, reason: WaitReason) -> datetime | None:
        """Return when the wait reason is expected to end, if time ends it."""
        now, conf = self.situation.now, self.situation.conf
        match reason:
            case WaitReason.OVERLAP:
                return self.own_ends.get(run.schedule_id)
            case WaitReason.RETRY:
                return run.not_before
            case WaitReason.CHAT:
                return run.due_at + conf.chat_max_delay
            case WaitReason.BREAKER | WaitReason.PROVIDER:
                return _patience(now)
            case WaitReason.BUDGET:
                return self.refills.of(run)
            case _:
                return None

    def sentence(self, run: Run, reason: WaitReason) -> str:
        """Describe the wait reason, with the position in the queue if only a slot of the cap is missing."""
        if reason == WaitReason.SLOT and run.pk in self.starts:
            place = list(self.starts).index(run.pk) + 1
            where = "first" if place == 1 else f"number {place}"
            return f"Waiting for a free slot, {where} in line."
        return wait_reasons.sentence(run, reason, self.situation)


def _explain(run: Run, situation: StartConditions, line: QueueRow) -> Waiting:
    reason = wait_reasons.reason(run, situation) or WaitReason.SLOT
    expected_at = line.starts.get(run.pk) or line.expected(run, reason)
    return Waiting(run, reason, line.sentence(run, reason), expected_at)


def _patience(now: datetime) -> datetime | None:
    """Return when the next blocked provider accepts calls again."""
    blocked = Provider.objects.blocked(now).values_list("open_until", "probe_until", "blocked_until")
    ends = [moment for row in blocked for moment in row if moment and moment > now]
    return min(ends, default=None)
