"""Providers in the console: whose breaker is open, why and until when, with the button that closes it."""

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
    list_display = ("name", "state", "because", "until", "trips")
    actions = ("close_now",)
    empty_text = "Every provider answers. One that refuses our key shows up here, with the reason."

    @admin.display(description="state")
    def state(self, provider: Provider) -> SafeString:
        now = clock.now()
        if provider.open_until and provider.open_until > now:
            return formatting.badge("open", "bad", "Nobody may ask this provider")
        if provider.opened_at:
            return formatting.badge("half open", "wait", "One run may try whether it answers again")
        if provider.blocked_until and provider.blocked_until > now:
            return formatting.badge("patience", "wait", "It asked us to slow down")
        return formatting.badge("closed", "good", "It is asked as usual")

    @admin.display(description="because")
    def because(self, provider: Provider) -> SafeString:
        if not provider.open_reason:
            return formatting.NOTHING
        return format_html("{}", provider.open_detail or provider.open_reason.replace("_", " "))

    @admin.display(description="until")
    def until(self, provider: Provider) -> SafeString:
        ends = (provider.open_until, provider.probe_until, provider.blocked_until)
        now = clock.now()
        return formatting.ago(max((end for end in ends if end and end > now), default=None), now)

    @admin.action(description="Close the breaker now", permissions=["close"])
    def close_now(self, request: HttpRequest, providers: QuerySet[Provider]) -> None:
        """Let everybody ask again; if the fault is not mended, the first refusal opens it again."""
        for provider in providers:
            breaker.close(provider.name)
            self.log_change(request, provider, "Closed the breaker by hand.")
        names = ", ".join(provider.name for provider in providers)
        self.message_user(request, f"Closed: {names}. Runs that waited for it may start.", messages.SUCCESS)

    def has_close_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("agents.change_provider")
