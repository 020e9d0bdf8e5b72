"""The admin of notices: conditions that operators should know about, with a button to acknowledge them."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from schedules.admin.schedules.actions import redirect_back
from schedules.models import Notice
from schedules.monitoring import notices
from stagent.lib import clock
from stagent.lib.web import formatting
from stagent.lib.web.admin import ReadOnlyAdmin, user_of


class StateFilter(admin.SimpleListFilter):
    """Notices by state: unacknowledged, open or closed."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("unseen", "not acknowledged"), ("open", "open"), ("closed", "closed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Notice]) -> QuerySet[Notice]:
        match self.value():
            case "unseen":
                return queryset.filter(closed_at=None, acknowledged_at=None)
            case "open":
                return queryset.filter(closed_at=None)
            case "closed":
                return queryset.exclude(closed_at=None)
            case _:
                return queryset


class NoticeChangeList(ChangeList):
    """A page of notices with the reader's permissions on each row."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        shown = list(self.result_list)
        for notice in shown:
            notice.may_acknowledge = request.user.has_perm("schedules.change_notice")
            notice.may_run = request.user.has_perm("schedules.run_schedule")
        self.result_list = shown


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ("notice_text", "state", "times", "first", "last", "acknowledger", "button")
    list_select_related = ("acknowledged_by",)
    list_filter = (StateFilter, "kind")
    search_fields = ("text", "cause")
    ordering = ("-last_at", "-pk")
    fields = (
        ("kind", "cause"), "text", ("count", "first_at", "last_at"),
        ("acknowledged_by", "acknowledged_at", "closed_at"),
    )  # fmt: skip
    empty_text = (
        "An open breaker, missed instants, a stopped scheduler and automatically paused schedules appear "
        "here. They are also sent to STAGENT_NOTIFY_EMAIL and STAGENT_NOTIFY_WEBHOOK."
    )

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        acknowledge_url = path(
            "<int:pk>/acknowledge/", wrap(self.acknowledge), name="schedules_notice_acknowledge"
        )
        return [acknowledge_url, *super().get_urls()]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NoticeChangeList

    def acknowledge(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Acknowledge the notice, then redirect to the page with the button."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not request.user.has_perm("schedules.change_notice"):
            raise PermissionDenied
        if notices.acknowledge(pk, user_of(request), clock.now()):
            self.message_user(request, "Acknowledged. The dashboard no longer shows it.", messages.SUCCESS)
        else:
            self.message_user(request, "Already acknowledged or closed.", messages.WARNING)
        return redirect(redirect_back(request, otherwise="admin:schedules_notice_changelist"))

    @admin.display(description="notice", ordering="kind")
    def notice_text(self, notice: Notice) -> SafeString:
        return format_html('{}<span class="under">{}</span>', notice.get_kind_display(), notice.text)

    @admin.display(description="state")
    def state(self, notice: Notice) -> SafeString:
        if notice.closed_at:
            return formatting.badge("closed", "calm")
        return (
            formatting.badge("acknowledged", "wait")
            if notice.acknowledged_at
            else formatting.badge("open", "bad")
        )

    @admin.display(description="count", ordering="count")
    def times(self, notice: Notice) -> SafeString:
        return formatting.count(notice.count)

    @admin.display(description="first seen", ordering="first_at")
    def first(self, notice: Notice) -> SafeString:
        return formatting.ago(notice.first_at, clock.now())

    @admin.display(description="last seen", ordering="last_at")
    def last(self, notice: Notice) -> SafeString:
        return formatting.ago(notice.last_at, clock.now())

    @admin.display(description="acknowledged by")
    def acknowledger(self, notice: Notice) -> SafeString:
        return format_html("{}", notice.acknowledged_by) if notice.acknowledged_by else formatting.EMPTY

    @admin.display(description="")
    def button(self, notice: Any) -> SafeString:
        if notice.acknowledged_at or notice.closed_at or not notice.may_acknowledge:
            return formatting.EMPTY
        button = (
            '<button class="button small" type="submit" form="row-form" formaction="{}">Acknowledge</button>'
        )
        acknowledge = format_html(button, reverse("admin:schedules_notice_acknowledge", args=[notice.pk]))
        if not notice.may_run or notice.kind != Notice.Kind.MISSED or notice.schedule_id is None:
            return acknowledge
        run = '<button class="button small" type="submit" form="row-form" formaction="{}">Run now</button>'
        url = reverse("admin:schedules_schedule_do", args=[notice.schedule_id, "run"])
        return format_html("{} {}", format_html(run, url), acknowledge)
