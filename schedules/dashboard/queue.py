"""The queue: waiting runs, their wait reasons and expected starts."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from agents.models import Provider
from schedules.capacity import wait_reasons
from schedules.capacity.conditions import StartConditions
from schedules.dashboard import budget_resets
from schedules.dashboard.budget_resets import BudgetResets
from schedules.forecast.duration_history import History
from schedules.forecast.eta import expected_end, expected_starts
from schedules.models import Run
from schedules.states import WaitReason

MAX_LISTED, MAX_PARKED = 8, 4  # runs that are listed; the others are counted


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


def load(conditions: StartConditions, most: int = MAX_LISTED) -> Queue:
    """Return the queue in claim order."""
    runs = Run.objects.queued().select_related("schedule").order_by("claim_order", "pk")
    parked = Run.objects.waiting().order_by("waiting_since", "pk")
    head = explain(list(runs[:most]), conditions)
    return Queue(head, runs.count(), list(parked[:MAX_PARKED]), parked.count())


def explain(runs: list[Run], conditions: StartConditions) -> list[Waiting]:
    """Return the wait reason and expected start of each queued run."""
    estimates = StartEstimates(expected_starts(conditions) if runs else {}, conditions)
    return [_explain(run, conditions, estimates) for run in runs]


@dataclass
class StartEstimates:
    """The expected starts of runs that only need a slot, in claim order."""

    starts: dict[int, datetime]
    conditions: StartConditions

    @cached_property
    def schedule_ends(self) -> dict[int | None, datetime]:
        """The expected end of the last running run of each schedule."""
        now, ends = self.conditions.now, dict[int | None, datetime]()
        history = History(self.conditions.conf)
        for run in Run.objects.running().select_related("schedule"):
            end = expected_end(run, history, now)
            ends[run.schedule_id] = max(end, ends.get(run.schedule_id, end))
        return ends

    @cached_property
    def budget_resets(self) -> BudgetResets:
        return budget_resets.load(self.conditions.now)

    def expected(self, run: Run, reason: WaitReason) -> datetime | None:
        """Return when the wait reason is expected to end, if time ends it."""
        now, conf = self.conditions.now, self.conditions.conf
        match reason:
            case WaitReason.OVERLAP:
                return self.schedule_ends.get(run.schedule_id)
            case WaitReason.RETRY:
                return run.not_before
            case WaitReason.CHAT:
                return run.due_at + conf.chat_max_delay
            case WaitReason.BREAKER | WaitReason.PROVIDER:
                return _next_provider_retry(now)
            case WaitReason.BUDGET:
                return self.budget_resets.of(run)
            case _:
                return None

    def sentence(self, run: Run, reason: WaitReason) -> str:
        """Describe the wait reason, with the position in the queue if only a slot of the cap is missing."""
        if reason == WaitReason.SLOT and run.pk in self.starts:
            position = list(self.starts).index(run.pk) + 1
            ordinal = "first" if position == 1 else f"number {position}"
            return f"Waiting for a free slot, {ordinal} in line."
        return wait_reasons.sentence(run, reason, self.conditions)


def _explain(run: Run, conditions: StartConditions, estimates: StartEstimates) -> Waiting:
    reason = wait_reasons.reason(run, conditions) or WaitReason.SLOT
    expected_at = estimates.starts.get(run.pk) or estimates.expected(run, reason)
    return Waiting(run, reason, estimates.sentence(run, reason), expected_at)


def _next_provider_retry(now: datetime) -> datetime | None:
    """Return when the next blocked provider accepts calls again."""
    blocked = Provider.objects.blocked(now).values_list("open_until", "probe_until", "blocked_until")
    ends = [moment for row in blocked for moment in row if moment and moment > now]
    return min(ends, default=None)
