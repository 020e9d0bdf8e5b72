"""Chat streams in the console: how the answers went, why they ended, how long people waited for them."""

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


class WithFigures(ChangeList):
    """A page of streams and what all that fit the filters add up to."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.figures = figures(self.queryset, clock.now(), self.get_query_string)


@admin.register(StreamRecord)
class StreamRecordAdmin(ReadOnlyAdmin):
    list_display = ("ended", "why", "first_word", "ours", "whole", "key")
    list_display_links = None
    list_filter = ("reason", ("ended_at", admin.DateFieldListFilter))
    search_fields = ("key",)
    search_help_text = "Search by what streamed, for example message:42."
    ordering = ("-ended_at", "-pk")
    empty_text = "Nobody was answered in the chat yet. Each answer that ends leaves its times here."

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return WithFigures

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        now = clock.now()
        shown = {
            "above_list": "admin/chat/_streams.html",
            "live": stream_metrics.being_answered(now),
            "now": now,
        }
        return super().changelist_view(request, shown | (extra_context or {}))

    @admin.display(description="ended", ordering="ended_at")
    def ended(self, record: StreamRecord) -> SafeString:
        return formatting.clock(record.ended_at)

    @admin.display(description="why", ordering="reason")
    def why(self, record: StreamRecord) -> SafeString:
        return formatting.badge(record.reason, stream_metrics.tone(record.reason))

    @admin.display(description="first word", ordering="first_token_ms")
    def first_word(self, record: StreamRecord) -> SafeString:
        return formatting.duration(record.first_token_ms)

    @admin.display(description="our part of it", ordering="overhead_ms")
    def ours(self, record: StreamRecord) -> SafeString:
        return formatting.duration(record.overhead_ms)

    @admin.display(description="whole answer", ordering="total_ms")
    def whole(self, record: StreamRecord) -> SafeString:
        return formatting.duration(record.total_ms)
