"""Filters and tags of the chat templates."""

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from chat.conversations import export
from chat.models import Message
from stagent.lib.web import formatting
from stagent.lib.web.markdown import to_html

register = template.Library()

register.filter("at", formatting.clock)


@register.filter
def speaker(message: Message, owner: str) -> str:
    return export.speaker(message, owner)


@register.filter
def markdown(text: str) -> SafeString:
    """Render Markdown as safe HTML, as the thread does."""
    return mark_safe(to_html(text))  # noqa: S308


@register.simple_tag
def symbol(name: str) -> SafeString:
    """Render a symbol of `chat/icons.svg`."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', static("chat/icons.svg"), name
    )
