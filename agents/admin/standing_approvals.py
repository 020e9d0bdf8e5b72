"""Standing approval in the console: what tools may always do, where, on whose word; taken back here."""

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
from stagent.lib.web.admin import ReadOnlyAdmin, came_from, confirm, names, operator, row_link

ASKED_AGAIN = "From the next call on a person is asked again. What was done already stays done."


@admin.register(StandingApproval)
class StandingApprovalAdmin(ReadOnlyAdmin):
    """Those who may look see what holds in schedules, and everybody what their own agents may do."""

    list_display = ("tool", "holds_in", "giver", "given")
    list_display_links = None
    list_select_related = ("given_by",)
    list_filter = ("tool",)
    search_fields = ("tool", "place", "given_by__username")
    actions = ("take_back",)
    empty_text = (
        "No tool may do anything unasked that it has to ask about. “Always allow”, the answer to a question, "
        "is listed here."
    )

    def get_urls(self) -> list[Any]:
        end = self.admin_site.admin_view(self.end)
        return [path("<int:pk>/end/", end, name="agents_standingapproval_end"), *super().get_urls()]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) or self._mine(request).exists()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) or self.has_view_permission(request)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return self._mine(request).exists()

    def get_queryset(self, request: HttpRequest) -> Any:
        if not super().has_view_permission(request):
            return self._mine(request)
        found: Any = super().get_queryset(request)
        return found.open_to(operator(request))

    def _mine(self, request: HttpRequest) -> QuerySet[StandingApproval]:
        return StandingApproval.objects.of(operator(request))

    # Taking it back.

    def end(self, request: HttpRequest, pk: int) -> HttpResponse:
        """End one, then go back to where the button was."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            standing.revoke(pk, operator(request))
        except Problem as problem:
            raise Http404(problem.message) from None
        self.message_user(request, "Taken back. A person is asked again.", messages.SUCCESS)
        return redirect(came_from(request) or reverse("admin:agents_standingapproval_changelist"))

    @admin.action(description="Take back…", permissions=["end"])
    def take_back(self, request: HttpRequest, chosen: QuerySet[StandingApproval]) -> HttpResponse | None:
        mine = list(self._mine(request).filter(pk__in=chosen.values("pk")))
        if "sure" not in request.POST:
            return confirm(self, request, mine, "Take back", ASKED_AGAIN)
        for leave in mine:
            standing.revoke(leave.pk, operator(request))
        self.message_user(request, f"Taken back: {len(mine)}.", messages.SUCCESS)
        return None

    # What a row says.

    @admin.display(description="holds in", ordering="place")
    def holds_in(self, leave: StandingApproval) -> SafeString:
        kind, number = leave.place.split(":")
        if kind != SCHEDULE:
            return format_html("{} {}", kind, number)
        name = names("schedules.Schedule", [int(number)]).get(int(number), f"schedule {number}")
        return row_link("schedules_schedule", int(number), name)

    @admin.display(description="given by", ordering="given_by__username")
    def giver(self, leave: StandingApproval) -> str:
        return leave.given_by.get_username()

    @admin.display(description="given", ordering="given_at")
    def given(self, leave: StandingApproval) -> SafeString:
        return formatting.ago(leave.given_at, clock.now())
