"""Providers in the console: open circuit breakers, with their reason and an action to close them."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents.models import Provider
from agents.runtimes import breaker
from stagent.lib import clock
from stagent.lib.web import formatting
from stagent.lib.web.admin import ReadOnlyAdmin


@admin.register(Provider)
class ProviderAdmin(ReadOnlyAdmin):
    list_display = ("name", "state", "reason", "until", "trips")
    actions = ("close_breaker",)
    empty_text = "No open breakers. A provider that refuses the API key or fails is listed here."

    @admin.display(description="state")
    def state(self, provider: Provider) -> SafeString:
        now = clock.now()
        if provider.open_until and provider.open_until > now:
            return formatting.badge("open", "bad", "No requests are sent to this provider")
        if provider.opened_at:
            return formatting.badge("half open", "wait", "One run is allowed to test it")
        if provider.blocked_until and provider.blocked_until > now:
            return formatting.badge("rate limited", "wait", "The provider asked for fewer requests")
        return formatting.badge("closed", "good", "Requests are sent as usual")

    @admin.display(description="reason")
    def reason(self, provider: Provider) -> SafeString:
        if not provider.open_reason:
            return formatting.EMPTY
        return format_html("{}", provider.open_detail or provider.open_reason.replace("_", " "))

    @admin.display(description="until")
    def until(self, provider: Provider) -> SafeString:
        deadlines = (provider.open_until, provider.probe_until, provider.blocked_until)
        now = clock.now()
        return formatting.ago(max((each for each in deadlines if each and each > now), default=None), now)

    @admin.action(description="Close the breaker now", permissions=["close"])
    def close_breaker(self, request: HttpRequest, providers: QuerySet[Provider]) -> None:
        """Allow requests again; the next failure opens the breaker again."""
        for provider in providers:
            breaker.close(provider.name)
            self.log_change(request, provider, "Breaker closed manually.")
        names = ", ".join(provider.name for provider in providers)
        self.message_user(request, f"Closed: {names}. Waiting runs can start.", messages.SUCCESS)

    def has_close_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("agents.change_provider")
