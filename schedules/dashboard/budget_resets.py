"""Exhausted budgets and the ends of their windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agents.models import Budget
from agents.spending import budgets
from agents.states import BudgetScope, BudgetWindow
from schedules.models import Run

LONGER_THAN = {
    BudgetWindow.DAY: timedelta(hours=30),
    BudgetWindow.MONTH: timedelta(days=32),
}  # always in the next window


@dataclass(frozen=True)
class BudgetResets:
    """The exhausted budgets, each with the end of its window."""

    ends: Sequence[tuple[Budget, datetime]]

    def of(self, run: Run) -> datetime | None:
        """Return when the last budget that blocks this run resets."""
        return max((ends_at for budget, ends_at in self.ends if _applies(budget, run)), default=None)


def load(now: datetime) -> BudgetResets:
    return BudgetResets(
        [(budget, ends_at(budget, now)) for budget in Budget.objects.all() if _is_exhausted(budget, now)]
    )


def ends_at(budget: Budget, now: datetime) -> datetime:
    """Return the end of a budget's window in the time zone of the install."""
    began = budgets.window_start(budget.window, now)
    return budgets.window_start(budget.window, began + LONGER_THAN[BudgetWindow(budget.window)])


def _is_exhausted(budget: Budget, now: datetime) -> bool:
    spent = budgets.spent_in_window(budget, now)
    turns_exhausted = budget.max_turns is not None and spent.turns >= budget.max_turns
    return turns_exhausted or (budget.max_cost_usd is not None and spent.cost_usd >= budget.max_cost_usd)


def _applies(budget: Budget, run: Run) -> bool:
    subject = {BudgetScope.PROJECT: run.project_id, BudgetScope.SCHEDULE: run.schedule_id}
    return budget.scope == BudgetScope.INSTALL or budget.subject_id == subject.get(BudgetScope(budget.scope))
