"""The admin of API tokens."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse

from stagent.lib import clock
from stagent.lib.web.admin import ConsoleAdmin, render_confirmation
from stagent.models import ApiToken

__all__ = ["ApiTokenAdmin"]


SHUT = "Programs that show it are refused from now on. It cannot be undone: they need a new token."


@admin.register(ApiToken)
class ApiTokenAdmin(ConsoleAdmin):
    """Users other than superusers see and create only their own tokens."""

    list_display = ("name", "user", "state", "created_at", "last_used_at", "expires_at")
    list_select_related = ("user",)
    list_filter = ("user",)
    search_fields = ("name", "user__username")
    actions = ("revoke",)
    empty_text = "No program has a key to the API. Make one: it is shown once, and kept only as a digest."
    readonly_fields = ("user", "created_at", "last_used_at", "revoked_at")
    fields = ("user", "name", "expires_at", "created_at", "last_used_at", "revoked_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        tokens = super().get_queryset(request)
        return tokens if request.user.is_superuser else tokens.filter(user__in=_may_speak_for(request))

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:
        return self.fields if obj else ("user", "name", "expires_at")

    def get_readonly_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:
        return self.readonly_fields if obj else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user":
            kwargs["queryset"] = _may_speak_for(request)
            kwargs["initial"] = request.user.pk
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: ApiToken, form: ModelForm, change: bool) -> None:
        """Create the token, or change its name and expiry."""
        if change:
            return super().save_model(request, obj, form, change)
        made, secret = ApiToken.objects.issue(obj.user, obj.name, now=clock.now(), expires_at=obj.expires_at)
        obj.pk = made.pk
        obj.refresh_from_db()
        self.message_user(request, f"The token, shown this once: {secret}", messages.WARNING)
        return None

    @admin.display(description="state")
    def state(self, token: ApiToken) -> str:
        """Return whether it is usable."""
        if token.revoked_at is not None:
            return "revoked"
        if token.expires_at is not None and token.expires_at <= clock.now():
            return "expired"
        return "in use" if token.user.is_active else "its user is not active"

    @admin.action(description="Revoke…", permissions=["change"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> HttpResponse | None:
        """Revoke the selected tokens."""
        if "confirmed" not in request.POST:
            return render_confirmation(self, request, list(tokens), "Revoke", SHUT)
        for token in tokens.filter(revoked_at=None):
            self.log_change(request, token, "Revoked.")
        count = ApiToken.objects.filter(pk__in=tokens.values("pk")).revoke(clock.now())
        self.message_user(request, f"Revoked: {count}.", messages.SUCCESS)
        return None


def _may_speak_for(request: HttpRequest) -> QuerySet[User]:
    everybody = User.objects.filter(is_active=True)
    return everybody if request.user.is_superuser else everybody.filter(username=request.user.get_username())
