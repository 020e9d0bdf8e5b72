"""Share links in the console: owner, creation, expiry; operators can revoke them but not follow them."""

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chat.conversations import sharing
from chat.models import Share
from stagent.lib import clock
from stagent.lib.web import formatting
from stagent.lib.web.admin import ReadOnlyAdmin, render_confirmation, user_of

REVOKE_EFFECT = "The link stops working. Its owner can create a new one with another address."


@admin.register(Share)
class ShareAdmin(ReadOnlyAdmin):
    """Shows neither titles nor addresses: they would reveal the conversation."""

    list_display = ("called", "owner", "shared", "until")
    list_display_links = None
    list_select_related = ("conversation__owner",)
    search_fields = ("conversation__owner__username", "=conversation__id")
    search_help_text = "Search by owner or conversation id."
    ordering = ("-shared_at", "-pk")
    actions = ("end",)
    empty_text = "No shared conversations. Share one in the chat with “Share a link…” in its menu."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Share]:
        open_shares = Share.objects.open(clock.now()).filter(pk=OuterRef("pk"))
        found: QuerySet[Share] = super().get_queryset(request)
        return found.annotate(is_open=Exists(open_shares))

    def has_view_permission(self, request: HttpRequest, obj: Share | None = None) -> bool:
        """Allow the list, but no page of a link."""
        return obj is None and super().has_view_permission(request)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return user_of(request).has_perm("chat.delete_share")

    @admin.action(description="Revoke…", permissions=["end"])
    def end(self, request: HttpRequest, chosen: QuerySet[Share]) -> HttpResponse | None:
        shares = list(chosen.select_related("conversation__owner"))
        if "confirmed" not in request.POST:
            return render_confirmation(self, request, shares, "Revoke", REVOKE_EFFECT)
        for share in shares:
            sharing.end(share, user_of(request), now=clock.now())
        self.message_user(request, f"Revoked: {len(shares)}.", messages.SUCCESS)
        return None

    @admin.display(description="conversation", ordering="conversation")
    def called(self, share: Share) -> SafeString:
        return format_html('<span class="number">{}</span>', share.conversation_id)

    @admin.display(description="owner", ordering="conversation__owner__username")
    def owner(self, share: Share) -> str:
        return share.conversation.owner.get_username()

    @admin.display(description="shared", ordering="shared_at")
    def shared(self, share: Share) -> SafeString:
        return formatting.ago(share.shared_at, clock.now())

    @admin.display(description="expires", ordering="expires_at")
    def until(self, share: Share) -> SafeString:
        if not getattr(share, "is_open", True):
            return formatting.badge("expired", "calm")
        return (
            formatting.clock(share.expires_at) if share.expires_at else formatting.badge("no expiry", "good")
        )
