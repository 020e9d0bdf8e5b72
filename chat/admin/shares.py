"""Links to conversations in the console: whose, since when, until when; ended here, and never followed."""

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chat.conversations import sharing
from chat.models import Share
from stagent.lib import clock
from stagent.lib.web import formatting
from stagent.lib.web.admin import ReadOnlyAdmin, confirm, operator

ENDED = "Whoever follows it finds nothing from now on. Its owner can make another one, with another address."


@admin.register(Share)
class ShareAdmin(ReadOnlyAdmin):
    """Neither titles nor addresses are shown: what was said is for whom its owner gave the link to."""

    list_display = ("called", "owner", "shared", "until")
    list_display_links = None
    list_select_related = ("conversation__owner",)
    search_fields = ("conversation__owner__username", "=conversation__id")
    search_help_text = "Search by the name of the owner, or by the number of the conversation."
    ordering = ("-shared_at", "-pk")
    actions = ("end",)
    empty_text = "Nobody shares a conversation. People do in the chat, with “Share a link…” in its menu."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Share]:
        leads = Share.objects.open(clock.now()).filter(pk=OuterRef("pk"))
        found: QuerySet[Share] = super().get_queryset(request)
        return found.annotate(leads_somewhere=Exists(leads))

    def has_view_permission(self, request: HttpRequest, obj: Share | None = None) -> bool:
        """Let the list be seen; a link has no page of its own."""
        return obj is None and super().has_view_permission(request)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return operator(request).has_perm("chat.delete_share")

    @admin.action(description="End…", permissions=["end"])
    def end(self, request: HttpRequest, chosen: QuerySet[Share]) -> HttpResponse | None:
        shares = list(chosen.select_related("conversation__owner"))
        if "confirmed" not in request.POST:
            return confirm(self, request, shares, "End", ENDED)
        for share in shares:
            sharing.end(share, operator(request), now=clock.now())
        self.message_user(request, f"Ended: {len(shares)}.", messages.SUCCESS)
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

    @admin.display(description="lasts until", ordering="expires_at")
    def until(self, share: Share) -> SafeString:
        if not getattr(share, "leads_somewhere", True):
            return formatting.badge("over", "calm")
        return (
            formatting.clock(share.expires_at) if share.expires_at else formatting.badge("taken back", "good")
        )
