"""Conversations in the console. Titles and messages are visible to their owner only."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chat.models import Conversation
from stagent.lib.web import formatting
from stagent.lib.web.admin import ReadOnlyAdmin, row_link, user_of


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    list_display = ("called", "owner", "messages_count", "profile", "active", "began", "state")
    list_display_links = None
    list_select_related = ("owner", "profile")
    list_filter = (("active_at", admin.DateFieldListFilter), "profile")
    search_fields = ("owner__username", "=id")
    search_help_text = "Search by owner or id. Messages cannot be searched here."
    ordering = ("-active_at", "-pk")
    empty_text = "No conversations yet. Start one on the chat page."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        found: QuerySet[Conversation] = super().get_queryset(request)
        return found.annotate(message_total=Count("messages"))

    def has_view_permission(self, request: HttpRequest, obj: Conversation | None = None) -> bool:
        """Allow the list, but no conversation page."""
        return obj is None and super().has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow deletion together with the owner; `delete_view` refuses any other."""
        return user_of(request).has_perm("chat.delete_conversation")

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        raise PermissionDenied

    @admin.display(description="conversation", ordering="pk")
    def called(self, conversation: Conversation) -> SafeString:
        """Return its id, and a link to its schedule."""
        if conversation.schedule_id is None:
            return format_html('<span class="number">{}</span>', conversation.pk)
        link = row_link(
            "schedules_schedule", conversation.schedule_id, f"schedule {conversation.schedule_id}"
        )
        return format_html(
            '<span class="number">{}</span><span class="under">{}</span>', conversation.pk, link
        )

    @admin.display(description="messages", ordering="message_total")
    def messages_count(self, conversation: Conversation) -> SafeString:
        return formatting.count(getattr(conversation, "message_total", 0))

    @admin.display(description="last active", ordering="active_at")
    def active(self, conversation: Conversation) -> SafeString:
        return formatting.clock(conversation.active_at)

    @admin.display(description="created", ordering="created_at")
    def began(self, conversation: Conversation) -> SafeString:
        return formatting.clock(conversation.created_at)

    @admin.display(description="state")
    def state(self, conversation: Conversation) -> SafeString:
        if conversation.deleted_at:
            return formatting.badge("deleted", "wait", f"since {formatting.exact(conversation.deleted_at)}")
        if conversation.archived_at:
            return formatting.badge("archived", "calm")
        return formatting.badge("open", "good")
