"""Conversations in the console: whose, how long, how lately. Titles and words are their owner's alone."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chat.models import Conversation
from stagent.lib.web import formatting
from stagent.lib.web.admin import ReadOnlyAdmin, operator, row_link


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    list_display = ("called", "owner", "messages_count", "profile", "active", "began", "state")
    list_display_links = None
    list_select_related = ("owner", "profile")
    list_filter = (("active_at", admin.DateFieldListFilter), "profile")
    search_fields = ("owner__username", "=id")
    search_help_text = "Search by the name of the owner, or by number. What is said cannot be searched here."
    ordering = ("-active_at", "-pk")
    empty_text = "Nobody has talked with an agent yet. Conversations begin on the chat page."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        found: QuerySet[Conversation] = super().get_queryset(request)
        return found.annotate(messages_there=Count("messages"))

    def has_view_permission(self, request: HttpRequest, obj: Conversation | None = None) -> bool:
        """Let the list be seen, and no conversation."""
        return obj is None and super().has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let conversations go together with their owner; none is deleted from here."""
        return operator(request).has_perm("chat.delete_conversation")

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        raise PermissionDenied

    @admin.display(description="conversation", ordering="pk")
    def called(self, conversation: Conversation) -> SafeString:
        """Name it by its number; a schedule's by the schedule, whose name is no secret."""
        if conversation.schedule_id is None:
            return format_html('<span class="number">{}</span>', conversation.pk)
        link = row_link(
            "schedules_schedule", conversation.schedule_id, f"schedule {conversation.schedule_id}"
        )
        return format_html(
            '<span class="number">{}</span><span class="under">{}</span>', conversation.pk, link
        )

    @admin.display(description="messages", ordering="messages_there")
    def messages_count(self, conversation: Conversation) -> SafeString:
        return formatting.count(getattr(conversation, "messages_there", 0))

    @admin.display(description="last active", ordering="active_at")
    def active(self, conversation: Conversation) -> SafeString:
        return formatting.clock(conversation.active_at)

    @admin.display(description="began", ordering="created_at")
    def began(self, conversation: Conversation) -> SafeString:
        return formatting.clock(conversation.created_at)

    @admin.display(description="state")
    def state(self, conversation: Conversation) -> SafeString:
        if conversation.deleted_at:
            return formatting.badge(
                "thrown away", "wait", f"since {formatting.exact(conversation.deleted_at)}"
            )
        if conversation.archived_at:
            return formatting.badge("put away", "calm")
        return formatting.badge("open", "good")
