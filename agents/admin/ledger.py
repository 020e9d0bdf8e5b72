"""The ledger in the console (read-only) with daily totals, and the prices of models."""

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.cache import cache
from django.db.models import Count, Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from agents.models import LedgerEntry, ModelPrice
from agents.spending.budgets import TURNS, window_start
from agents.spending.prices import LIST
from agents.states import Activity, BudgetWindow, PriceSource
from stagent.lib import clock
from stagent.lib.web import formatting, svg_charts
from stagent.lib.web.admin import ConsoleAdmin, ReadOnlyAdmin, names_by_id, row_link
from stagent.lib.web.svg_charts import Bar

DAYS = 14
CACHE_SEC = 60  # for the daily totals: adding up a million rows is slow


SOURCES = {
    PriceSource.CONSOLE: "Price set in the console",
    PriceSource.LIST: LIST,
    PriceSource.LOCAL: "Local model, free of charge",
    PriceSource.UNKNOWN: "Unknown",
}
ACCOUNTS = (  # what an entry can be charged to: URL prefix, model, column
    ("schedules_schedule", "schedules.Schedule", "schedule_id"),
    ("agents_project", "agents.Project", "project_id"),
)


class NamedEntries(ChangeList):
    """A page of entries with the names of their schedules and projects."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        entries = list(self.result_list)
        account_names = {
            column: names_by_id(model, (getattr(entry, column) for entry in entries))
            for _, model, column in ACCOUNTS
        }
        for entry in entries:
            entry.account_names = account_names
        self.result_list = entries


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = ("moment", "kind", "run", "model", "input", "output", "cost", "account")
    list_filter = ("activity", ("at", admin.DateFieldListFilter))
    row_name_plural = "entries"
    search_fields = ("model", "=run_id", "=schedule_id")
    ordering = ("-at", "-pk")
    fields = (
        "at", "activity", "provider", "model",
        ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"),
        ("cost_usd", "estimated"), "applied_price",
        ("project_id", "schedule_id", "run_id", "message_id", "user_id"), "detail",
    )  # fmt: skip
    empty_text = "No spending yet. Every reply of a model is recorded here with its tokens and cost."

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NamedEntries

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        days = daily_totals(clock.now())
        context = {"days": days, "days_chart": _chart(days), "above_list": "agents/_daily.html"}
        context["today_link"] = entries_link(days[-1])
        return super().changelist_view(request, context | (extra_context or {}))

    @admin.display(description="when", ordering="at")
    def moment(self, entry: LedgerEntry) -> SafeString:
        return formatting.clock(entry.at)

    @admin.display(description="activity", ordering="activity")
    def kind(self, entry: LedgerEntry) -> SafeString:
        if entry.activity == Activity.MANUAL_FORCE_BYPASS:
            return formatting.badge("forced", "wait", str(entry.detail.get("reason", "")))
        return formatting.badge(entry.activity, "calm", "estimated" if entry.estimated else "")

    @admin.display(description="run", ordering="run_id")
    def run(self, entry: LedgerEntry) -> SafeString:
        return row_link("schedules_run", entry.run_id)

    @admin.display(description="input tokens")
    def input(self, entry: LedgerEntry) -> SafeString:
        return formatting.tokens(entry.input_tokens + entry.cache_read_tokens + entry.cache_write_tokens)

    @admin.display(description="output tokens")
    def output(self, entry: LedgerEntry) -> SafeString:
        return formatting.tokens(entry.output_tokens)

    @admin.display(description="cost", ordering="cost_usd")
    def cost(self, entry: LedgerEntry) -> SafeString:
        is_known = entry.cost_usd is not None
        return format_html(
            "{}{}", formatting.cost(entry.cost_usd), " est." if is_known and entry.estimated else ""
        )

    @admin.display(description="price")
    def applied_price(self, entry: LedgerEntry) -> str:
        """Return the price per million tokens and its source."""
        price: dict[str, str] = dict(entry.price or {})
        if not price:
            return "Not recorded."
        source, dated = PriceSource(price.pop("source")), price.pop("version", "")
        rates = ", ".join(f"{name.replace('_', ' ')} ${usd}" for name, usd in price.items())
        per_million = f": {rates} per million tokens" if rates and source != PriceSource.LOCAL else ""
        return f"{SOURCES[source]} {dated}".strip() + per_million

    @admin.display(description="charged to")
    def account(self, entry: LedgerEntry) -> SafeString:
        links = [(_account(entry, *account),) for account in ACCOUNTS if getattr(entry, account[2])]
        return format_html_join(" · ", "{}", links) or formatting.EMPTY


def _account(entry: Any, page: str, model: str, column: str) -> SafeString | str:
    """Return a link to the schedule or project; only the number if it was deleted."""
    number = getattr(entry, column)
    if name := entry.account_names[column].get(number):
        return row_link(page, number, name)
    return f"{model.partition('.')[2].lower()} {number}, deleted"


type Day = dict[str, Any]


def daily_totals(now: datetime) -> list[Day]:
    """Return the totals of the last days in the time zone of the install; cached for a minute."""
    return cache.get_or_set("ledger-days", lambda: _daily_totals(now), CACHE_SEC) or []


def _daily_totals(now: datetime) -> list[Day]:
    today = window_start(BudgetWindow.DAY, now)
    since = today - timedelta(days=DAYS - 1)
    rows = LedgerEntry.objects.filter(at__gte=since, activity__in=TURNS)
    zone = timezone.get_default_timezone()
    days = rows.order_by().annotate(day=TruncDate("at", tzinfo=zone)).values("day")
    totals = days.annotate(
        cost=Sum("cost_usd", default=Decimal(0)),
        turns=Count("pk"),
        unpriced=Count("pk") - Count("cost_usd"),
        tokens=Sum("input_tokens") + Sum("output_tokens"),
    )
    by_day = {row["day"]: row for row in totals}
    empty = {"cost": Decimal(0), "turns": 0, "tokens": 0, "unpriced": 0}
    dates = [(since + timedelta(days=number)).date() for number in range(DAYS)]
    return [{"day": date} | empty | by_day.get(date, {}) for date in dates]


def _chart(days: list[Day]) -> SafeString:
    return svg_charts.bars([_bar(day) for day in days], "Cost of each of the last days")


def _bar(day: Day) -> Bar:
    """The height is the cost; for days without cost, the number of steps."""
    cost = formatting.money(day["cost"], day["unpriced"], digits=2)
    title = f"{day['day']:%a %d %b}: {cost}, {day['turns']:,} steps"
    return Bar(title, [("main", float(day["cost"]) or day["turns"] / 1e6)], entries_link(day))


def entries_link(day: Day) -> str:
    """Return the URL of the list of entries of a day."""
    start = datetime.combine(day["day"], time.min, timezone.get_default_timezone())
    end = datetime.combine(day["day"] + timedelta(days=1), time.min, timezone.get_default_timezone())
    query = {"at__gte": start.isoformat(), "at__lt": end.isoformat()}
    return reverse("admin:agents_ledgerentry_changelist", query=query)


@admin.register(ModelPrice)
class ModelPriceAdmin(ConsoleAdmin):
    """USD per million tokens for models whose name starts with the prefix; overrides the price list."""

    list_display = ("prefix", "input_usd", "output_usd", "cache_read_usd", "cache_write_usd")
    search_fields = ("prefix",)
    fields = ("prefix", ("input_usd", "output_usd"), ("cache_read_usd", "cache_write_usd"))
    empty_text = (
        "No prices of your own: those of genai-prices are used. manage.py doctor reports their age and "
        "unknown models. Add a row to override a price: the start of a model name and USD per million tokens."
    )
