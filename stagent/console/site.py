"""The operator's console: Django's admin site, ours.

Registrations live in each app's `admin` module. They cannot live here: a module that is imported
while the site is being made registers with a site that is thrown away.
"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.functional import SimpleLazyObject

from schedules.dashboard import status
from stagent.console import dashboard, navigation
from stagent.console import forecast as forecast_page
from stagent.console import stagger as forecast_stagger
from stagent.lib import clock


class ConsoleSite(admin.AdminSite):
    """Every page knows its way around and whether a scheduler runs; the first one shows what goes on."""

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
        context["pulse"] = SimpleLazyObject(lambda: status.load(clock.now()))
        return context

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(request, dashboard.context(request, clock.now()) | (extra_context or {}))

    def board(self, request: HttpRequest) -> HttpResponse:
        """Show the first page's moving part, for the page to fetch again and again."""
        now = clock.now()
        context = dashboard.context(request, now) | {"pulse": status.load(now)}
        return render(request, "console/board.html", context)

    def forecast(self, request: HttpRequest) -> HttpResponse:
        """Show the coming hours, under the cap in force or another one."""
        context = self.each_context(request) | forecast_page.context(request, clock.now())
        return render(request, "console/forecast.html", context)

    def stagger(self, request: HttpRequest) -> HttpResponse:
        """Move the schedules that were ticked beneath the forecast, and show it as it is then."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        forecast_stagger.apply(request)
        return redirect("admin:forecast")
