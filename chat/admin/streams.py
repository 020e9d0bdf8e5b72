"""Chat streams in the console: end reasons and latencies of replies."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.utils.safestring import SafeString

from agents.models import StreamRecord
from chat import stream_metrics
from chat.admin.figures import figures
from stagent.lib import clock
from stagent.lib.web import formatting
from stagent.lib.web.admin import ReadOnlyAdmin


class StreamChangeList(ChangeList):
    """A page of streams and the summary of all filtered ones."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.figures = figures(self.queryset, clock.now(), self.get_query_string)


@admin.register(StreamRecord)
class StreamRecordAdmin(ReadOnlyAdmin):
    list_display = ("ended", "outcome", "first_token", "overhead", "total", "key")
    list_display_links = None
    list_filter = ("reason", ("ended_at", admin.DateFieldListFilter))
    search_fields = ("key",)
    search_help_text = "Search by stream key, for example message:42."
    ordering = ("-ended_at", "-pk")
    empty_text = "No chat replies yet."

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return StreamChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        now = clock.now()
        shown = {
            "above_list": "admin/chat/_streams.html",
            "live": stream_metrics.live_replies(now),
            "now": now,
        }
        return super().changelist_view(request, shown | (extra_context or {}))

    @admin.display(description="ended", ordering="ended_at")
    def ended(self, record: StreamRecord) -> SafeString:
        return formatting.clock(record.ended_at)

    @admin.display(description="outcome", ordering="reason")
    def outcome(self, record: StreamRecord) -> SafeString:
        return formatting.badge(record.reason, stream_metrics.tone(record.reason))

    @admin.display(description="time to first token", ordering="first_token_ms")
    def first_token(self, record: StreamRecord) -> SafeString:
        return formatting.duration(record.first_token_ms)

    @admin.display(description="overhead", ordering="overhead_ms")
    def overhead(self, record: StreamRecord) -> SafeString:
        return formatting.duration(record.overhead_ms)

    @admin.display(description="total", ordering="total_ms")
    def total(self, record: StreamRecord) -> SafeString:
        return formatting.duration(record.total_ms)
