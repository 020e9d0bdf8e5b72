"""What the chat page's templates are written with."""

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def symbol(name: str) -> SafeString:
    """Draw a symbol of `chat/icons.svg`."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', static("chat/icons.svg"), name
    )
