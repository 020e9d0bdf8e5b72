"""The ledger in the console: what was spent on what, day by day; nobody edits it."""

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
from stagent.lib.web.admin import ConsoleAdmin, ReadOnlyAdmin, names, row_link
from stagent.lib.web.svg_charts import Bar

DAYS = 14
KEPT_SEC = 60  # the daily totals, because adding up a million rows takes its time


SOURCES = {
    PriceSource.CONSOLE: "A row under Prices",
    PriceSource.LIST: LIST,
    PriceSource.LOCAL: "Nothing is paid for this model",
    PriceSource.UNKNOWN: "Not known",
}
ACCOUNTS = (  # whose account an expense may be on: the page of it, and the column with its number
    ("schedules_schedule", "schedules.Schedule", "schedule_id"),
    ("agents_project", "agents.Project", "project_id"),
)


class WithNames(ChangeList):
    """A page of entries that knows what the schedules and projects are called."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        entries = list(self.result_list)
        named = {
            column: names(model, (getattr(entry, column) for entry in entries))
            for _, model, column in ACCOUNTS
        }
        for entry in entries:
            entry.named = named
        self.result_list = entries


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = ("moment", "what", "run", "model", "read", "written", "cost", "whose")
    list_filter = ("activity", ("at", admin.DateFieldListFilter))
    rows_are = "entries"
    search_fields = ("model", "=run_id", "=schedule_id")
    ordering = ("-at", "-pk")
    fields = (
        "at", "activity", "provider", "model",
        ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"),
        ("cost_usd", "estimated"), "paid",
        ("project_id", "schedule_id", "run_id", "message_id", "user_id"), "detail",
    )  # fmt: skip
    empty_text = (
        "Nothing was spent yet. Every reply of a model is written here with its tokens and its price."
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return WithNames

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        days = daily_totals(clock.now())
        shown = {"days": days, "days_chart": _chart(days), "above_list": "agents/_daily.html"}
        shown["today_link"] = entries_of(days[-1])
        return super().changelist_view(request, shown | (extra_context or {}))

    @admin.display(description="when", ordering="at")
    def moment(self, entry: LedgerEntry) -> SafeString:
        return formatting.clock(entry.at)

    @admin.display(description="what", ordering="activity")
    def what(self, entry: LedgerEntry) -> SafeString:
        if entry.activity == Activity.MANUAL_FORCE_BYPASS:
            return formatting.badge("forced", "wait", str(entry.detail.get("reason", "")))
        return formatting.badge(entry.activity, "calm", "estimated" if entry.estimated else "")

    @admin.display(description="run", ordering="run_id")
    def run(self, entry: LedgerEntry) -> SafeString:
        return row_link("schedules_run", entry.run_id)

    @admin.display(description="read")
    def read(self, entry: LedgerEntry) -> SafeString:
        return formatting.tokens(entry.input_tokens + entry.cache_read_tokens + entry.cache_write_tokens)

    @admin.display(description="written")
    def written(self, entry: LedgerEntry) -> SafeString:
        return formatting.tokens(entry.output_tokens)

    @admin.display(description="cost", ordering="cost_usd")
    def cost(self, entry: LedgerEntry) -> SafeString:
        known = entry.cost_usd is not None
        return format_html(
            "{}{}", formatting.cost(entry.cost_usd), " est." if known and entry.estimated else ""
        )

    @admin.display(description="price")
    def paid(self, entry: LedgerEntry) -> str:
        """Say what was paid for a million tokens, and where that is from."""
        kept: dict[str, str] = dict(entry.price or {})
        if not kept:
            return "Not kept."
        source, dated = PriceSource(kept.pop("source")), kept.pop("version", "")
        rates = ", ".join(f"{name.replace('_', ' ')} ${usd}" for name, usd in kept.items())
        per_million = f": {rates} per million tokens" if rates and source != PriceSource.LOCAL else ""
        return f"{SOURCES[source]} {dated}".strip() + per_million

    @admin.display(description="on whose account")
    def whose(self, entry: LedgerEntry) -> SafeString:
        links = [(_account(entry, *account),) for account in ACCOUNTS if getattr(entry, account[2])]
        return format_html_join(" · ", "{}", links) or formatting.NOTHING


def _account(entry: Any, page: str, model: str, column: str) -> SafeString | str:
    """Link to what an expense is for; of what was deleted since, only the number is known."""
    number = getattr(entry, column)
    if name := entry.named[column].get(number):
        return row_link(page, number, name)
    return f"{model.partition('.')[2].lower()} {number}, deleted"


type Day = dict[str, Any]


def daily_totals(now: datetime) -> list[Day]:
    """Add up each of the last days, in the install's time zone; kept for a minute."""
    return cache.get_or_set("ledger-days", lambda: _daily_totals(now), KEPT_SEC) or []


def _daily_totals(now: datetime) -> list[Day]:
    today = window_start(BudgetWindow.DAY, now)
    since = today - timedelta(days=DAYS - 1)
    rows = LedgerEntry.objects.filter(at__gte=since, activity__in=TURNS)
    zone = timezone.get_default_timezone()
    days = rows.order_by().annotate(day=TruncDate("at", tzinfo=zone)).values("day")
    summed = days.annotate(
        cost=Sum("cost_usd", default=Decimal(0)),
        turns=Count("pk"),
        unpriced=Count("pk") - Count("cost_usd"),
        tokens=Sum("input_tokens") + Sum("output_tokens"),
    )
    found = {row["day"]: row for row in summed}
    empty = {"cost": Decimal(0), "turns": 0, "tokens": 0, "unpriced": 0}
    dates = [(since + timedelta(days=number)).date() for number in range(DAYS)]
    return [{"day": date} | empty | found.get(date, {}) for date in dates]


def _chart(days: list[Day]) -> SafeString:
    return svg_charts.bars([_bar(day) for day in days], "Spent on each of the last days")


def _bar(day: Day) -> Bar:
    """A day as high as it was dear; where models cost nothing, as high as it was busy."""
    cost = formatting.money(day["cost"], day["unpriced"], digits=2)
    told = f"{day['day']:%a %d %b}: {cost}, {day['turns']:,} steps"
    return Bar(told, [("main", float(day["cost"]) or day["turns"] / 1e6)], entries_of(day))


def entries_of(day: Day) -> str:
    """Return where the entries of a day are listed."""
    begins = datetime.combine(day["day"], time.min, timezone.get_default_timezone())
    ends = datetime.combine(day["day"] + timedelta(days=1), time.min, timezone.get_default_timezone())
    within = {"at__gte": begins.isoformat(), "at__lt": ends.isoformat()}
    return reverse("admin:agents_ledgerentry_changelist", query=within)


@admin.register(ModelPrice)
class ModelPriceAdmin(ConsoleAdmin):
    """USD per million tokens, of every model whose name begins like this, in place of what the list says."""

    list_display = ("prefix", "input_usd", "output_usd", "cache_read_usd", "cache_write_usd")
    search_fields = ("prefix",)
    fields = ("prefix", ("input_usd", "output_usd"), ("cache_read_usd", "cache_write_usd"))
    empty_text = (
        "Prices come from the list of genai-prices; manage.py doctor says how old it is and which models it "
        "does not know. Add a row to use another price: the beginning of a model's name and USD per million."
    )
