"""The ledger and the budgets. Only this module writes ledger rows.

Budgets are checked before each request, not reserved: N concurrent agents may exceed a budget by at most N
replies. The windows are days and months in the time zone of the install.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet, Sum
from django.utils import timezone

from agents.errors import BudgetExceeded
from agents.models import Budget, LedgerEntry
from agents.protocol.usage import Usage
from agents.spending.prices import LISTED, Price, price
from agents.states import Activity, BudgetScope, BudgetWindow
from stagent.lib.db.prepared import KeysParam, Select
from stagent.lib.text import clip
from stagent.lib.web.formatting import money

__all__ = [
    "Exhausted",
    "Price",
    "Spender",
    "Spent",
    "audit_bypass",
    "charge",
    "check",
    "exhausted",
    "last_model_charged",
    "price",
    "remaining_usd",
    "spent_in_window",
    "spent_today",
    "unpriced",
    "window_start",
]  # fmt: skip

LONGEST_NAME = 120  # of a model; some servers answer with the path of a file
TURNS = (Activity.RUN_TURN, Activity.CHAT_TURN)
FIELD = {BudgetScope.PROJECT: "project_id", BudgetScope.SCHEDULE: "schedule_id"}
WHOSE = {
    BudgetScope.INSTALL: "of this install",
    BudgetScope.PROJECT: "of this project",
    BudgetScope.SCHEDULE: "of this schedule",
}
HOW_LONG = {BudgetWindow.DAY: "daily", BudgetWindow.MONTH: "monthly"}


@dataclass(frozen=True)
class Spender:
    """The account of an expense."""

    activity: Activity
    project_id: int | None = None
    schedule_id: int | None = None
    run_id: int | None = None
    message_id: int | None = None
    user_id: int | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    def too_late(self) -> "Spender":
        """Return the account for expenses after a run or reply lost its worker.

        Its totals may be final, so the expense names it only in its detail.
        """
        owner = {"run_id": self.run_id, "message_id": self.message_id}
        return replace(self, run_id=None, message_id=None, detail={"too_late_for": owner})


@dataclass(frozen=True)
class Spent:
    """The usage in a window."""

    turns: int = 0
    cost_usd: Decimal = Decimal(0)
    unpriced: int = 0  # of the turns; what they cost is not in the sum, for nobody knows


@dataclass(frozen=True)
class Exhausted:
    """The subjects whose budget is spent."""

    install: bool = False
    project_ids: frozenset[int] = frozenset()
    schedule_ids: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.install or self.project_ids or self.schedule_ids)

    def covering(self, project_id: int | None, schedule_id: int | None) -> str:
        """Return the spent budget that blocks work of this project and schedule; empty if none."""
        if self.install:
            return f"A budget {WHOSE[BudgetScope.INSTALL]} is used up."
        if project_id in self.project_ids:
            return f"A budget {WHOSE[BudgetScope.PROJECT]} is used up."
        return (
            f"A budget {WHOSE[BudgetScope.SCHEDULE]} is used up." if schedule_id in self.schedule_ids else ""
        )


def charge(
    spender: Spender,
    usage: Usage,
    *,
    model: str,
    now: datetime,
    provider: str = LISTED,
    estimated: bool = False,
    charge_key: UUID | None = None,
) -> Decimal | None:
    """Write the cost of a reply into the ledger and return it in USD; None if its price is unknown.

    A second charge with the same `charge_key` is ignored, so a caller that lost the answer can repeat it.
    """
    paid = price(model, provider, now)
    cost = paid.cost(usage)
    entry = LedgerEntry(
        at=now,
        provider=provider,
        model=clip(model, LONGEST_NAME),
        input_tokens=usage.input,
        output_tokens=usage.output,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write,
        cost_usd=cost,
        price=paid.record(usage),
        estimated=estimated,
        charge_key=charge_key,
        **asdict(spender),
    )
    # Where that charge is made already, nothing changes. To ignore conflicts, SQLite would ignore any fault.
    LedgerEntry.objects.bulk_create(
        [entry], update_conflicts=True, unique_fields=["charge_key"], update_fields=["charge_key"]
    )
    return cost


def audit_bypass(spender: Spender, detail: dict[str, Any], now: datetime) -> LedgerEntry:
    """Record that a user forced a run past the cap."""
    account = asdict(spender) | {"activity": Activity.MANUAL_FORCE_BYPASS, "detail": detail}
    return LedgerEntry.objects.create(at=now, **account)


def check(spender: Spender, reserve_usd: Decimal, now: datetime) -> None:
    """Raise BudgetExceeded, naming the budget, if this amount does not fit into every matching budget."""
    for budget, spent in _standing(spender, now):
        _refuse_if_over(budget, spent, reserve_usd)


def remaining_usd(spender: Spender, now: datetime) -> Decimal | None:
    """Return the USD left in the tightest budget; None without a limit. Raises if one is spent."""
    left = []
    for budget, spent in _standing(spender, now):
        _refuse_if_over(budget, spent)
        if budget.max_cost_usd is not None:
            left.append(budget.max_cost_usd - spent.cost_usd)
    return min(left, default=None)


def exhausted(now: datetime) -> Exhausted:
    """Return the subjects whose budget is spent; one query if there are no budgets."""
    spent = [budget for budget in BUDGETS() if _is_spent(budget, _spent(_rows(budget, now)))]
    return Exhausted(
        install=any(budget.scope == BudgetScope.INSTALL for budget in spent),
        project_ids=_subjects(spent, BudgetScope.PROJECT),
        schedule_ids=_subjects(spent, BudgetScope.SCHEDULE),
    )


BUDGETS = Select(Budget.objects.order_by())


def spent_in_window(budget: Budget, now: datetime) -> Spent:
    """Return the usage in the current window of a budget."""
    return _spent(_rows(budget, now))


def spent_today(now: datetime, project_id: int | None = None, schedule_id: int | None = None) -> Spent:
    """Return today's usage of the install, a project or a schedule."""
    rows = LedgerEntry.objects.filter(at__gte=window_start(BudgetWindow.DAY, now), activity__in=TURNS)
    if project_id is not None:
        rows = rows.filter(project_id=project_id)
    if schedule_id is not None:
        rows = rows.filter(schedule_id=schedule_id)
    return _spent(rows)


def unpriced(column: str, ids: Collection[int]) -> Counter[int]:
    """Count the steps without a known price of these runs or messages (`run_id`, `message_id`)."""
    if not ids:
        return Counter()
    return Counter(getattr(entry, column) for entry in UNPRICED[column](ids=ids))


def _unpriced(column: str) -> Select[LedgerEntry]:
    asked = {f"{column}__in": KeysParam("ids", LedgerEntry._meta.pk)}
    rows = LedgerEntry.objects.filter(cost_usd=None, activity__in=TURNS, **asked)
    return Select(rows.order_by().only(column))


UNPRICED = {column: _unpriced(column) for column in ("run_id", "message_id")}


def last_model_charged(message_id: int) -> str:
    """Return the model that a reply was last charged for; empty if none."""
    paid = LedgerEntry.objects.filter(message_id=message_id, activity__in=TURNS).order_by("-pk")
    return paid.values_list("model", flat=True).first() or ""


def window_start(window: str, now: datetime) -> datetime:
    """Return when the current day or month began, in the time zone of the install."""
    local = timezone.localtime(now, timezone.get_default_timezone())
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    start = midnight.replace(day=1) if window == BudgetWindow.MONTH else midnight
    return start.astimezone(UTC)  # a local time within a gap is equal to nothing


def _standing(spender: Spender, now: datetime) -> Iterable[tuple[Budget, Spent]]:
    return [(budget, _spent(_rows(budget, now))) for budget in BUDGETS() if _concerns(budget, spender)]


def _concerns(budget: Budget, spender: Spender) -> bool:
    field = FIELD.get(BudgetScope(budget.scope))
    return field is None or budget.subject_id == getattr(spender, field)


def _rows(budget: Budget, now: datetime) -> QuerySet[LedgerEntry]:
    rows = LedgerEntry.objects.filter(at__gte=window_start(budget.window, now), activity__in=TURNS)
    field = FIELD.get(BudgetScope(budget.scope))
    return rows.filter(**{field: budget.subject_id}) if field else rows


def _spent(rows: QuerySet[LedgerEntry]) -> Spent:
    sums = rows.aggregate(turns=Count("pk"), cost=Sum("cost_usd"), priced=Count("cost_usd"))
    return Spent(sums["turns"], sums["cost"] or Decimal(0), sums["turns"] - sums["priced"])


def _is_spent(budget: Budget, spent: Spent) -> bool:
    turns_gone = budget.max_turns is not None and spent.turns >= budget.max_turns
    return turns_gone or (budget.max_cost_usd is not None and spent.cost_usd >= budget.max_cost_usd)


def _refuse_if_over(budget: Budget, spent: Spent, reserve_usd: Decimal = Decimal(0)) -> None:
    name = f"The {HOW_LONG[BudgetWindow(budget.window)]} budget {WHOSE[BudgetScope(budget.scope)]}"
    if budget.max_turns is not None and spent.turns >= budget.max_turns:
        raise BudgetExceeded(f"{name} is used up: {spent.turns} of {budget.max_turns} agent steps.")
    if budget.max_cost_usd is None:
        return
    if spent.cost_usd >= budget.max_cost_usd or spent.cost_usd + reserve_usd > budget.max_cost_usd:
        used = money(spent.cost_usd, spent.unpriced, digits=4)
        raise BudgetExceeded(f"{name} is used up: {used} of ${budget.max_cost_usd:.4f} spent.")


def _subjects(budgets: Iterable[Budget], scope: BudgetScope) -> frozenset[int]:
    return frozenset(b.subject_id for b in budgets if b.scope == scope and b.subject_id is not None)
