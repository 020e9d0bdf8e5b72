"""What the console's templates are written with; the pieces themselves are `stagent.lib.web.formatting`."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import uuid4

from django import template
from django.templatetags.static import static
from django.utils.html import escape, format_html, strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

from agents.admin.approvals import approval_badge
from agents.admin.budgets import meter
from schedules.admin.badges import firing_badge, run_badge
from schedules.models import Run
from schedules.timing.timezones import zone
from stagent.lib import clock
from stagent.lib.text import sentence
from stagent.lib.web import formatting, svg_charts
from stagent.lib.web.markdown import to_html

SHEETS = (
    "shared/base",
    *(
        f"console/styles/{name}"
        for name in ("text", "fields", "frame", "navigation", "notices", "cards", "tables")
    ),
    *("shared/prose", "shared/code"),
    *(
        f"console/styles/{name}"
        for name in ("charts", "lists", "filters", "listActions", "forms", "sidePanel")
    ),
    *(
        f"console/styles/{name}"
        for name in ("approvalRequest", "mcp", "widgets", "dashboard", "timeline", "run")
    ),
)

register = template.Library()

register.filter("span", formatting.duration)
register.filter("sentence", sentence)
register.filter("usd", formatting.usd)
register.filter("cost", formatting.cost)
register.filter("count", formatting.count)
register.filter("tokens", formatting.tokens)
register.filter("exact", formatting.exact)
register.simple_tag(meter, name="budget_meter")
register.simple_tag(approval_badge)
register.simple_tag(run_badge)
register.simple_tag(firing_badge)


@register.simple_tag
def click_key() -> SafeString:
    """Make a form's key: sent twice by a double click, it starts one run."""
    return format_html('<input type="hidden" name="click" value="{}">', uuid4())


@register.filter
def ago(moment: datetime | None) -> SafeString:
    return formatting.ago(moment, clock.now())


@register.filter
def at(moment: datetime | None, name: str = "") -> SafeString:
    return formatting.clock(moment, zone(name) if name else None)


@register.simple_tag
def stylesheets() -> list[str]:
    """Return the style sheets of every page of the console, in their order."""
    return [f"{name}.css" for name in SHEETS]


@register.filter
def plain(text: object) -> str:
    """Say a stored word as people write it: turn limit exceeded."""
    return str(text).replace("_", " ")


@register.filter
def markdown(text: str) -> SafeString:
    """Show what a model wrote the way the chat page does."""
    return mark_safe(to_html(text))  # noqa: S308


@register.filter
def chosen(choices: list[dict[str, Any]]) -> str:
    """Return what a filter is set to; empty for its first choice, which is all."""
    return next((plain(choice["display"]) for choice in choices[1:] if choice["selected"]), "")


@register.simple_tag
def badge(text: str, tone: str = "calm", title: str = "") -> SafeString:
    return formatting.badge(text, tone, title)


@register.simple_tag
def icon(name: str) -> SafeString:
    """Draw an icon of `console/icons.svg`."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', static("console/icons.svg"), name
    )


@register.simple_tag
def steps_meter(run: Run) -> SafeString:
    """Draw how many of its steps a run has taken."""
    return svg_charts.meter(run.turn_count, run.max_turns or 1, f"{run.turn_count} of {run.max_turns} steps")


@register.filter
def labelled(row: Iterable[SafeString], headers: list[dict[str, Any]]) -> Iterator[SafeString]:
    """Yield the cells of a row of a list, each with its column's name: on a phone a row is a card."""
    for cell, header in zip(row, headers, strict=False):
        label = escape(capfirst(strip_tags(str(header["text"]))))
        tag, rest = cell[:3], cell[3:]  # Django has escaped the cell; it begins with <td or <th
        yield mark_safe(f'{tag} data-label="{label}"{rest}') if tag in ("<td", "<th") else cell  # noqa: S308
