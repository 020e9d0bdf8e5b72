"""Small SVG charts, drawn on the server: no script, no inline style, colours by class."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

HEIGHT = 100
MIN_HEIGHT = 4.0  # of a bar with a value, in percent
GAP = 0.22  # of a bar's width


@dataclass(frozen=True)
class Bar:
    """One bar: its tooltip, and its segments from the bottom up, each a class and a value.

    `link` is a shortcut for mouse users; the page offers another way there.
    """

    title: str
    parts: Sequence[tuple[str, float]]
    link: str = ""

    @property
    def total(self) -> float:
        return sum(value for _, value in self.parts)


def bars(columns: Sequence[Bar], label: str, css: str = "chart", top: float = 0) -> SafeString:
    """Draw stacked bars over the full width; the tallest, or the value `top`, reaches the top."""
    highest = top or max((column.total for column in columns), default=0)
    scale = HEIGHT / highest if highest else 0
    # Plain strings, each escaped: a list page draws a thousand bars, and format_html is slow.
    elements = "".join(_bar(index, column, scale) for index, column in enumerate(columns))
    size = f'viewBox="0 0 {max(1, len(columns))} {HEIGHT}" preserveAspectRatio="none"'
    svg = f'<svg class="{escape(css)}" role="img" aria-label="{escape(label)}" {size}>{elements}</svg>'
    return mark_safe(svg)  # noqa: S308 - escaped above


def _bar(index: int, column: Bar, scale: float) -> str:
    background = f'<rect class="background" x="{index}" y="0" width="1" height="{HEIGHT}"/>'
    content = f"<title>{escape(column.title)}</title>{background}{''.join(_stack(index, column, scale))}"
    return (
        f'<a href="{escape(column.link)}" tabindex="-1">{content}</a>' if column.link else f"<g>{content}</g>"
    )


def _stack(index: int, column: Bar, scale: float) -> Iterator[str]:
    top = float(HEIGHT)
    for css, value in column.parts:
        if value > 0:
            height = min(top, max(MIN_HEIGHT, value * scale))
            top -= height
            position = f'x="{index + GAP / 2:.2f}" y="{top:.1f}" width="{1 - GAP:.2f}" height="{height:.1f}"'
            yield f'<rect class="{escape(css)}" {position}/>'


def share_bar(value: float, maximum: float, css: str) -> SafeString:
    """Draw a horizontal bar for a share of `maximum`; the page shows its number beside it."""
    width = max(1.0, 100 * value / maximum) if value and maximum else 0
    return format_html(
        '<svg class="share" aria-hidden="true" viewBox="0 0 100 1" preserveAspectRatio="none">'
        '<rect class="{}" width="{}" height="1"/></svg>',
        css, f"{width:.1f}",
    )  # fmt: skip


def meter(used: float, maximum: float, label: str) -> SafeString:
    """Draw how much of a maximum is used; it warns from 80 %."""
    share = min(1.0, used / maximum) if maximum else 1.0
    tone = "bad" if share >= 1 else "wait" if share >= 0.8 else "good"
    return format_html(
        '<svg class="meter {}" role="img" aria-label="{}" viewBox="0 0 100 1" preserveAspectRatio="none">'
        '<rect class="background" width="100" height="1"/><rect class="level" width="{}" height="1"/></svg>',
        tone, label, f"{100 * share:.1f}",
    )  # fmt: skip
