"""Small pictures, drawn on the server as SVG: no script, no inline style, colours by class."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

HEIGHT = 100
LEAST = 4.0  # no bar that stands for something is lower, in percent
GAP = 0.22  # of a bar's place


@dataclass(frozen=True)
class Bar:
    """One bar: what it says when pointed at, and its parts from the bottom up, each a class and a value."""

    title: str
    parts: Sequence[tuple[str, float]]

    @property
    def total(self) -> float:
        return sum(value for _, value in self.parts)


def bars(columns: Sequence[Bar], label: str, css: str = "chart") -> SafeString:
    """Draw stacked bars that fill whatever width they are given; the tallest reaches the top."""
    highest = max((column.total for column in columns), default=0)
    drawn = [_bar(place, column, HEIGHT / highest if highest else 0) for place, column in enumerate(columns)]
    return format_html(
        '<svg class="{}" role="img" aria-label="{}" viewBox="0 0 {} {}" preserveAspectRatio="none">{}</svg>',
        css, label, max(1, len(columns)), HEIGHT, format_html_join("", "{}", ((bar,) for bar in drawn)),
    )  # fmt: skip


def _bar(place: int, column: Bar, scale: float) -> SafeString:
    title = format_html("<title>{}</title>", column.title)
    ground = format_html('<rect class="ground" x="{}" y="0" width="1" height="{}"/>', place, HEIGHT)
    parts = format_html_join(
        "", '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>', _stack(place, column, scale)
    )
    return format_html("<g>{}{}{}</g>", title, ground, parts)


def _stack(place: int, column: Bar, scale: float) -> Iterable[tuple[str, str, str, str, str]]:
    """Yield class, x, y, width and height of each part."""
    top = float(HEIGHT)
    for css, value in column.parts:
        if value > 0:
            height = min(top, max(LEAST, value * scale))
            top -= height
            yield css, f"{place + GAP / 2:.2f}", f"{top:.1f}", f"{1 - GAP:.2f}", f"{height:.1f}"


def meter(used: float, most: float, label: str) -> SafeString:
    """Draw how much of something is used; it warns from four fifths on."""
    share = min(1.0, used / most) if most else 1.0
    tone = "bad" if share >= 1 else "wait" if share >= 0.8 else "good"
    return format_html(
        '<svg class="meter {}" role="img" aria-label="{}" viewBox="0 0 100 1" preserveAspectRatio="none">'
        '<rect class="ground" width="100" height="1"/><rect class="level" width="{}" height="1"/></svg>',
        tone, label, f"{100 * share:.1f}",
    )  # fmt: skip
