"""The ledger and the budgets computed from it. Nothing else writes ledger entries.

Budgets are checked before each request, not reserved: N concurrent agents can exceed a budget by at most N
replies. The windows are days and months of the install's time zone.
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
    "Spending",
    "charge",
    "check",
    "exhausted",
    "last_model_charged",
    "price",
    "record_bypass",
    "remaining_usd",
    "spent_in_window",
    "spent_today",
    "unpriced",
    "window_start",
]  # fmt: skip

MAX_MODEL_CHARS = 120  # some servers return a file path as the model's name
TURNS = (Activity.RUN_TURN, Activity.CHAT_TURN)
SCOPE_FIELDS = {BudgetScope.PROJECT: "project_id", BudgetScope.SCHEDULE: "schedule_id"}
SCOPE_TEXTS = {
    BudgetScope.INSTALL: "of this install",
    BudgetScope.PROJECT: "of this project",
    BudgetScope.SCHEDULE: "of this schedule",
}
WINDOW_TEXTS = {BudgetWindow.DAY: "daily", BudgetWindow.MONTH: "monthly"}


@dataclass(frozen=True)
class Spender:
    """The payer of an expense."""

    activity: Activity
    project_id: int | None = None
    schedule_id: int | None = None
    run_id: int | None = None
    message_id: int | None = None
    user_id: int | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    def after_takeover(self) -> "Spender":
        """Return the payer of a charge after another worker took over the run or reply.

        The totals of the run may be stored already, so the charge names it in `detail` only.
        """
        owner = {"run_id": self.run_id, "message_id": self.message_id}
        return replace(self, run_id=None, message_id=None, detail={"too_late_for": owner})


@dataclass(frozen=True)
class Spending:
    """The usage of a budget in its current window."""

    turns: int = 0
    cost_usd: Decimal = Decimal(0)
    unpriced: int = 0  # of the turns; their cost is unknown and not in the sum


@dataclass(frozen=True)
class Exhausted:
    """The install, projects and schedules whose budget is used up."""

    install: bool = False
    project_ids: frozenset[int] = frozenset()
    schedule_ids: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.install or self.project_ids or self.schedule_ids)

    def reason_for(self, project_id: int | None, schedule_id: int | None) -> str:
        """Return which used-up budget blocks this project and schedule, as a sentence; empty if none does."""
        if self.install:
            return f"A budget {SCOPE_TEXTS[BudgetScope.INSTALL]} is used up."
        if project_id in self.project_ids:
            return f"A budget {SCOPE_TEXTS[BudgetScope.PROJECT]} is used up."
        return (
            f"A budget {SCOPE_TEXTS[BudgetScope.SCHEDULE]} is used up."
            if schedule_id in self.schedule_ids
            else ""
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
    """Store the cost of a reply in the ledger and return it in USD; None if its price is unknown.

    A second charge with the same `charge_key` is ignored, so a caller that lost the result can repeat it.
    """
    price_paid = price(model, provider, now)
    cost = price_paid.cost(usage)
    entry = LedgerEntry(
        at=now,
        provider=provider,
        model=clip(model, MAX_MODEL_CHARS),
        input_tokens=usage.input,
        output_tokens=usage.output,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write,
        cost_usd=cost,
        price=price_paid.record(usage),
        estimated=estimated,
        charge_key=charge_key,
        **asdict(spender),
    )
    # An existing charge is unchanged. Not ignore_conflicts: with it, SQLite ignores every integrity error.
    LedgerEntry.objects.bulk_create(
        [entry], update_conflicts=True, unique_fields=["charge_key"], update_fields=["charge_key"]
    )
    return cost


def record_bypass(spender: Spender, detail: dict[str, Any], now: datetime) -> LedgerEntry:
    """Store that a user forced a run beyond the cap."""
    account = asdict(spender) | {"activity": Activity.MANUAL_FORCE_BYPASS, "detail": detail}
    return LedgerEntry.objects.create(at=now, **account)


def check(spender: Spender, reserve_usd: Decimal, now: datetime) -> None:
    """Raise `BudgetExceeded`, naming the budget, if `reserve_usd` more does not fit every applicable
    budget.
    """
    for budget, spent in _load_applicable(spender, now):
        _raise_if_exceeded(budget, spent, reserve_usd)


def remaining_usd(spender: Spender, now: datetime) -> Decimal | None:
    """Return the USD left in the tightest budget; None without a limit in USD. Raises `BudgetExceeded`."""
    left = []
    for budget, spent in _load_applicable(spender, now):
        _raise_if_exceeded(budget, spent)
        if budget.max_cost_usd is not None:
            left.append(budget.max_cost_usd - spent.cost_usd)
    return min(left, default=None)


def exhausted(now: datetime) -> Exhausted:
    """Return whose budgets are used up; one query if there are no budgets."""
    spent = [budget for budget in BUDGETS() if _is_exhausted(budget, _sum(_rows(budget, now)))]
    return Exhausted(
        install=any(budget.scope == BudgetScope.INSTALL for budget in spent),
        project_ids=_subjects(spent, BudgetScope.PROJECT),
        schedule_ids=_subjects(spent, BudgetScope.SCHEDULE),
    )


BUDGETS = Select(Budget.objects.order_by())


def spent_in_window(budget: Budget, now: datetime) -> Spending:
    """Sum up the current window of a budget."""
    return _sum(_rows(budget, now))


def spent_today(now: datetime, project_id: int | None = None, schedule_id: int | None = None) -> Spending:
    """Sum up today for the install, a project or a schedule."""
    rows = LedgerEntry.objects.filter(at__gte=window_start(BudgetWindow.DAY, now), activity__in=TURNS)
    if project_id is not None:
        rows = rows.filter(project_id=project_id)
    if schedule_id is not None:
        rows = rows.filter(schedule_id=schedule_id)
    return _sum(rows)


def unpriced(column: str, ids: Collection[int]) -> Counter[int]:
    """Count the turns without a known price by run or message (`run_id`, `message_id`)."""
    if not ids:
        return Counter()
    return Counter(getattr(entry, column) for entry in UNPRICED[column](ids=ids))


def _unpriced(column: str) -> Select[LedgerEntry]:
    condition = {f"{column}__in": KeysParam("ids", LedgerEntry._meta.pk)}
    rows = LedgerEntry.objects.filter(cost_usd=None, activity__in=TURNS, **condition)
    return Select(rows.order_by().only(column))


UNPRICED = {column: _unpriced(column) for column in ("run_id", "message_id")}


def last_model_charged(message_id: int) -> str:
    """Return the model of the last charge of a reply; empty if there is none."""
    charges = LedgerEntry.objects.filter(message_id=message_id, activity__in=TURNS).order_by("-pk")
    return charges.values_list("model", flat=True).first() or ""


def window_start(window: str, now: datetime) -> datetime:
    """Return the start of the current day or month, in the install's time zone."""
    local = timezone.localtime(now, timezone.get_default_timezone())
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    start = midnight.replace(day=1) if window == BudgetWindow.MONTH else midnight
    return start.astimezone(UTC)  # a local time in a DST gap compares unequal to everything


def _load_applicable(spender: Spender, now: datetime) -> Iterable[tuple[Budget, Spending]]:
    return [(budget, _sum(_rows(budget, now))) for budget in BUDGETS() if _applies_to(budget, spender)]


def _applies_to(budget: Budget, spender: Spender) -> bool:
    field = SCOPE_FIELDS.get(BudgetScope(budget.scope))
    return field is None or budget.subject_id == getattr(spender, field)


def _rows(budget: Budget, now: datetime) -> QuerySet[LedgerEntry]:
    rows = LedgerEntry.objects.filter(at__gte=window_start(budget.window, now), activity__in=TURNS)
    field = SCOPE_FIELDS.get(BudgetScope(budget.scope))
    return rows.filter(**{field: budget.subject_id}) if field else rows


def _sum(rows: QuerySet[LedgerEntry]) -> Spending:
    sums = rows.aggregate(turns=Count("pk"), cost=Sum("cost_usd"), priced=Count("cost_usd"))
    return Spending(sums["turns"], sums["cost"] or Decimal(0), sums["turns"] - sums["priced"])


def _is_exhausted(budget: Budget, spent: Spending) -> bool:
    turns_used_up = budget.max_turns is not None and spent.turns >= budget.max_turns
    return turns_used_up or (budget.max_cost_usd is not None and spent.cost_usd >= budget.max_cost_usd)


def _raise_if_exceeded(budget: Budget, spent: Spending, reserve_usd: Decimal = Decimal(0)) -> None:
    name = f"The {WINDOW_TEXTS[BudgetWindow(budget.window)]} budget {SCOPE_TEXTS[BudgetScope(budget.scope)]}"
    if budget.max_turns is not None and spent.turns >= budget.max_turns:
        raise BudgetExceeded(f"{name} is used up: {spent.turns} of {budget.max_turns} agent steps.")
    if budget.max_cost_usd is None:
        return
    if spent.cost_usd >= budget.max_cost_usd or spent.cost_usd + reserve_usd > budget.max_cost_usd:
        used = money(spent.cost_usd, spent.unpriced, digits=4)
        raise BudgetExceeded(f"{name} is used up: {used} of ${budget.max_cost_usd:.4f} spent.")


def _subjects(budgets: Iterable[Budget], scope: BudgetScope) -> frozenset[int]:
    return frozenset(b.subject_id for b in budgets if b.scope == scope and b.subject_id is not None)
