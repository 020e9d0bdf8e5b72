"""Small pictures, drawn on the server as SVG: no script, no inline style, colours by class."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

HEIGHT = 100
LEAST = 4.0  # no bar that stands for something is lower, in percent
GAP = 0.22  # of a bar's place


@dataclass(frozen=True)
class Bar:
    """One bar: what it says when pointed at, and its parts from the bottom up, each a class and a value.

    Where it leads is a short cut for those who point; the page has another way there.
    """

    title: str
    parts: Sequence[tuple[str, float]]
    link: str = ""

    @property
    def total(self) -> float:
        return sum(value for _, value in self.parts)


def bars(columns: Sequence[Bar], label: str, css: str = "chart", top: float = 0) -> SafeString:
    """Draw stacked bars that fill whatever width they are given; the tallest, or `top`, reaches the top."""
    highest = top or max((column.total for column in columns), default=0)
    scale = HEIGHT / highest if highest else 0
    # Plain strings, each text escaped: a page of lists draws a thousand bars, and format_html takes a while.
    drawn = "".join(_bar(place, column, scale) for place, column in enumerate(columns))
    size = f'viewBox="0 0 {max(1, len(columns))} {HEIGHT}" preserveAspectRatio="none"'
    picture = f'<svg class="{escape(css)}" role="img" aria-label="{escape(label)}" {size}>{drawn}</svg>'
    return mark_safe(picture)  # noqa: S308 - escaped above


def _bar(place: int, column: Bar, scale: float) -> str:
    ground = f'<rect class="ground" x="{place}" y="0" width="1" height="{HEIGHT}"/>'
    inside = f"<title>{escape(column.title)}</title>{ground}{''.join(_stack(place, column, scale))}"
    return (
        f'<a href="{escape(column.link)}" tabindex="-1">{inside}</a>' if column.link else f"<g>{inside}</g>"
    )


def _stack(place: int, column: Bar, scale: float) -> Iterator[str]:
    top = float(HEIGHT)
    for css, value in column.parts:
        if value > 0:
            height = min(top, max(LEAST, value * scale))
            top -= height
            where = f'x="{place + GAP / 2:.2f}" y="{top:.1f}" width="{1 - GAP:.2f}" height="{height:.1f}"'
            yield f'<rect class="{escape(css)}" {where}/>'


def share(value: float, most: float, css: str) -> SafeString:
    """Draw a bar across, as long as its value is of the most; its number stands beside it."""
    width = max(1.0, 100 * value / most) if value and most else 0
    return format_html(
        '<svg class="share" aria-hidden="true" viewBox="0 0 100 1" preserveAspectRatio="none">'
        '<rect class="{}" width="{}" height="1"/></svg>',
        css, f"{width:.1f}",
    )  # fmt: skip


def meter(used: float, most: float, label: str) -> SafeString:
    """Draw how much of something is used; it warns from four fifths on."""
    share = min(1.0, used / most) if most else 1.0
    tone = "bad" if share >= 1 else "wait" if share >= 0.8 else "good"
    return format_html(
        '<svg class="meter {}" role="img" aria-label="{}" viewBox="0 0 100 1" preserveAspectRatio="none">'
        '<rect class="ground" width="100" height="1"/><rect class="level" width="{}" height="1"/></svg>',
        tone, label, f"{100 * share:.1f}",
    )  # fmt: skip
