"""The admin of firings: the list with its statistics, the detail page and the CSV download."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from schedules.admin.badges import firing_badge
from schedules.admin.filters import InstantFilter, OutcomeFilter, ScheduleListFilter
from schedules.admin.firings import csv
from schedules.admin.firings.figures import summarise
from schedules.admin.number_filters import LagFilter, LoopFilter, StepsFilter, TookFilter, WaitFilter
from schedules.models import Firing
from stagent.lib import clock
from stagent.lib.web import csv_response, formatting
from stagent.lib.web.admin import ReadOnlyAdmin

MILLISECOND = timedelta(milliseconds=1)


class FiringChangeList(ChangeList):
    """A page of firings with the statistics of all rows that match the filters."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.queryset = self.paginator.rows
        if not self.multi_page:
            self.result_list = self.queryset
        self.summary = summarise(self.queryset, self.get_query_string)


@admin.register(Firing)
class FiringAdmin(ReadOnlyAdmin):
    list_display = (
        "instant", "result", "run_link", "lag", "slot_wait", "took", "turns", "tokens", "cost",
        "loop_lag", "memory", "concurrent_load",
    )  # fmt: skip
    list_select_related = ("run",)
    list_filter = (
        ScheduleListFilter, OutcomeFilter, "outcome", "kind", "failure_reason", ("nominal_at", InstantFilter),
        WaitFilter, TookFilter, StepsFilter, LagFilter, LoopFilter,
    )  # fmt: skip
    search_fields = ("schedule_name",)
    ordering = ("-nominal_at", "-pk")
    actions = ("download",)
    empty_text = "Every due instant is recorded here, fired or not, with the reason."
    fieldsets = (
        ("Firing", {"fields": (
            ("schedule", "kind", "run_link"),
            ("nominal_at", "due_at", "shifted"),
            ("outcome", "count", "last_nominal_at"),
            "reason",
        )}),
        ("Timing", {"fields": (
            ("fired_at", "slot_claimed_at", "completed_at"),
            ("lag", "deferral", "slot_wait", "took"),
            "failure_reason",
        )}),
        ("Usage", {"fields": (("turns", "tokens", "cost"), ("loop_lag", "memory", "concurrent_load"))}),
    )  # fmt: skip
    readonly_fields = (
        "lag",
        "deferral",
        "slot_wait",
        "took",
        "run_link",
        "shifted",
        "turns",
        "tokens",
        "cost",
        "loop_lag",
        "memory",
        "concurrent_load",
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FiringChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(
            request, {"above_list": "schedules/_percentiles.html"} | (extra_context or {})
        )

    @admin.display(description="instant", ordering="nominal_at")
    def instant(self, firing: Firing) -> SafeString:
        clock = formatting.clock(firing.nominal_at)
        if firing.last_nominal_at:
            clock = format_html("{} to {}", clock, formatting.clock(firing.last_nominal_at))
        return format_html('{}<span class="under">{}</span>', firing.schedule_name, clock)

    @admin.display(description="result", ordering="outcome")
    def result(self, firing: Firing) -> SafeString:
        why = firing.failure_reason.replace("_", " ") or firing.reason
        count = f"{firing.count} instants. " if firing.count > 1 else ""
        return format_html('{}<span class="under">{}{}</span>', firing_badge(firing), count, why)

    @admin.display(description="run")
    def run_link(self, firing: Firing) -> SafeString:
        try:
            run = firing.run
        except ObjectDoesNotExist:
            return formatting.EMPTY
        return formatting.link(reverse("admin:schedules_run_change", args=[run.pk]), run.pk)

    @admin.display(description="clock change")
    def shifted(self, firing: Firing) -> str:
        return "yes, fired right after the gap" if firing.dst_shifted else "no"

    @admin.display(description="lag")
    def lag(self, firing: Firing) -> SafeString:
        """Delay without the jitter."""
        return formatting.duration(
            (firing.fired_at - firing.due_at) / MILLISECOND if firing.fired_at else None
        )

    @admin.display(description="deferred for chat")
    def deferral(self, firing: Firing) -> SafeString:
        return formatting.duration(firing.deferral_ms)

    @admin.display(description="slot wait", ordering="slot_wait_ms")
    def slot_wait(self, firing: Firing) -> SafeString:
        return formatting.duration(firing.slot_wait_ms)

    @admin.display(description="took", ordering="duration_ms")
    def took(self, firing: Firing) -> SafeString:
        return formatting.duration(firing.duration_ms)

    @admin.display(description="steps", ordering="turn_count")
    def turns(self, firing: Firing) -> SafeString:
        most = firing.max_turns_at_firing
        return format_html(
            "{}{}",
            formatting.count(firing.turn_count),
            format_html('<span class="quiet"> / {}</span>', most) if most else "",
        )

    @admin.display(description="tokens", ordering="output_tokens")
    def tokens(self, firing: Firing) -> SafeString:
        if firing.input_tokens is None:
            return formatting.EMPTY
        read, written = formatting.tokens(firing.input_tokens), formatting.tokens(firing.output_tokens)
        return format_html('{} <span class="quiet">/</span> {}', read, written)

    @admin.display(description="cost", ordering="cost_usd")
    def cost(self, firing: Firing) -> SafeString:
        return formatting.cost(None) if firing.has_unknown_cost else formatting.usd(firing.cost_usd)

    @admin.display(description="loop lag", ordering="event_loop_lag_ms")
    def loop_lag(self, firing: Firing) -> SafeString:
        return formatting.duration(firing.event_loop_lag_ms)

    @admin.display(description="memory", ordering="peak_rss_mb")
    def memory(self, firing: Firing) -> SafeString:
        return (
            formatting.EMPTY
            if firing.peak_rss_mb is None
            else format_html('<span class="number">{} MB</span>', f"{firing.peak_rss_mb:.0f}")
        )

    @admin.display(description="concurrent load")
    def concurrent_load(self, firing: Firing) -> SafeString:
        if firing.concurrent_runs is None:
            return formatting.EMPTY
        runs, streams = firing.concurrent_runs, firing.chat_streams_active or 0
        return format_html(
            '<span class="nowrap">{} run{}</span><span class="under nowrap">{} stream{}</span>',
            *(runs, "s" * (runs != 1)),
            *(streams, "s" * (streams != 1)),
        )

    @admin.action(description="Download as CSV", permissions=["view"])
    def download(self, request: HttpRequest, chosen: QuerySet[Firing]) -> StreamingHttpResponse:
        """Send the selected firings, or all that match the filters."""
        return csv_response.csv_response(
            request, f"firings-{clock.now():%Y-%m-%d}", csv.HEADING, csv.lines(chosen)
        )
