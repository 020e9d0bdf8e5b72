"""The console: the admin site of this project.

Models are registered in each app's `admin` module, not here: a module that is imported
while the site is created registers with a site that is discarded.
"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.functional import SimpleLazyObject

from schedules.dashboard import status
from stagent.console import dashboard, forecast, navigation, stagger
from stagent.lib import clock


class ConsoleSite(admin.AdminSite):
    """Every page has the menu and the scheduler status; the index is the dashboard."""

    site_header = "Stagent"
    site_title = "Stagent"
    index_title = "Console"
    site_url = None
    enable_nav_sidebar = False
    empty_value_display = "–"

    def get_urls(self) -> list[URLResolver | URLPattern]:
        return [
            path("board/", self.admin_view(self.board), name="board"),
            path("forecast/", self.admin_view(self.forecast), name="forecast"),
            path("forecast/stagger/", self.admin_view(self.stagger), name="stagger"),
            *super().get_urls(),
        ]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        context["sections"] = navigation.sections(context["available_apps"], request.path)
        context["scheduler_status"] = SimpleLazyObject(lambda: status.load(clock.now()))
        return context

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(request, dashboard.context(request, clock.now()) | (extra_context or {}))

    def board(self, request: HttpRequest) -> HttpResponse:
        """Render the live part of the dashboard, which polls it."""
        now = clock.now()
        context = dashboard.context(request, now) | {"scheduler_status": status.load(now)}
        return render(request, "console/dashboard.html", context)

    def forecast(self, request: HttpRequest) -> HttpResponse:
        """Show the forecast, with the current cap or another one."""
        context = self.each_context(request) | forecast.context(request, clock.now())
        return render(request, "console/forecast.html", context)

    def stagger(self, request: HttpRequest) -> HttpResponse:
        """Move the selected schedules, then show the updated forecast."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        stagger.apply(request)
        return redirect("admin:forecast")
