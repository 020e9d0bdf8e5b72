"""Standing approvals in the console: listed and revoked."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents.approvals import standing
from agents.models import StandingApproval
from agents.models.standing_approval import SCHEDULE
from stagent.lib import clock
from stagent.lib.problems import Problem
from stagent.lib.web import formatting
from stagent.lib.web.admin import (
    ReadOnlyAdmin,
    names_by_id,
    referring_page,
    render_confirmation,
    row_link,
    user_of,
)

CONSEQUENCES = "The next call asks a person again. Calls that were already made are not undone."


@admin.register(StandingApproval)
class StandingApprovalAdmin(ReadOnlyAdmin):
    """With the view permission: all standing approvals in schedules. Otherwise: those of one's own agents."""

    list_display = ("tool", "scope", "given_by_user", "given")
    list_display_links = None
    list_select_related = ("given_by",)
    list_filter = ("tool",)
    search_fields = ("tool", "place", "given_by__username")
    actions = ("revoke",)
    empty_text = "No standing approvals. Answer a request with “Always allow” to create one."

    def get_urls(self) -> list[Any]:
        end = self.admin_site.admin_view(self.end)
        return [path("<int:pk>/end/", end, name="agents_standingapproval_end"), *super().get_urls()]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) or self._revocable(request).exists()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) or self.has_view_permission(request)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return self._revocable(request).exists()

    def get_queryset(self, request: HttpRequest) -> Any:
        if not super().has_view_permission(request):
            return self._revocable(request)
        granted: Any = super().get_queryset(request)
        return granted.open_to(user_of(request))

    def _revocable(self, request: HttpRequest) -> QuerySet[StandingApproval]:
        return StandingApproval.objects.of(user_of(request))

    # Revoking.

    def end(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Revoke one, then redirect to the page with the button."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            standing.revoke(pk, user_of(request))
        except Problem as problem:
            raise Http404(problem.message) from None
        self.message_user(request, "Revoked. The tool asks again.", messages.SUCCESS)
        return redirect(referring_page(request) or reverse("admin:agents_standingapproval_changelist"))

    @admin.action(description="Revoke…", permissions=["end"])
    def revoke(self, request: HttpRequest, selected: QuerySet[StandingApproval]) -> HttpResponse | None:
        revocable = list(self._revocable(request).filter(pk__in=selected.values("pk")))
        if "confirmed" not in request.POST:
            return render_confirmation(self, request, revocable, "Revoke", CONSEQUENCES)
        for each in revocable:
            standing.revoke(each.pk, user_of(request))
        self.message_user(request, f"Revoked: {len(revocable)}.", messages.SUCCESS)
        return None

    # Columns.

    @admin.display(description="scope", ordering="place")
    def scope(self, granted: StandingApproval) -> SafeString:
        kind, number = granted.place.split(":")
        if kind != SCHEDULE:
            return format_html("{} {}", kind, number)
        name = names_by_id("schedules.Schedule", [int(number)]).get(int(number), f"schedule {number}")
        return row_link("schedules_schedule", int(number), name)

    @admin.display(description="given by", ordering="given_by__username")
    def given_by_user(self, granted: StandingApproval) -> str:
        return granted.given_by.get_username()

    @admin.display(description="given", ordering="given_at")
    def given(self, granted: StandingApproval) -> SafeString:
        return formatting.ago(granted.given_at, clock.now())
