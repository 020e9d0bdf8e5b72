"""Formats values for pages: small pieces of HTML, all escaped."""

from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from stagent.lib.text import UNKNOWN

EMPTY = format_html('<span class="nothing">{}</span>', "–")

STEPS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
THOUSAND, MILLION = 10_000, 10_000_000  # from these numbers on, tokens are rounded to thousands and millions


def badge(text: str, tone: str, title: str = "") -> SafeString:
    """A label on a coloured background; tones are good, bad, busy, wait and calm."""
    return format_html('<span class="badge {}" title="{}">{}</span>', tone, title, text.replace("_", " "))


def ago(moment: datetime | None, now: datetime) -> SafeString:
    """A time relative to now; the page updates it by itself."""
    if moment is None:
        return EMPTY
    text = '<time datetime="{}" title="{}" data-ago>{}</time>'
    return format_html(text, moment.isoformat(), exact(moment), relative_time(moment - now))


def clock(moment: datetime | None, zone: tzinfo | None = None) -> SafeString:
    """A time in a time zone, by default the install's."""
    if moment is None:
        return EMPTY
    local = timezone.localtime(moment, zone or timezone.get_default_timezone())
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact(moment), f"{local:%d %b %H:%M}"
    )


def exact(moment: datetime) -> str:
    """A time to the second, with its zone: 2026-11-24 12:00:03 UTC."""
    local = timezone.localtime(moment, timezone.get_default_timezone())
    return f"{local:%Y-%m-%d %H:%M:%S %Z}"


def relative_time(delta: timedelta) -> str:
    """Return a distance in time as text: in 5 min, 3 h ago."""
    seconds = abs(delta.total_seconds())
    if seconds < 1:
        return "now"
    size, unit = next((size, unit) for size, unit in STEPS if seconds >= size)
    return f"in {seconds // size:.0f} {unit}" if delta > timedelta() else f"{seconds // size:.0f} {unit} ago"


def duration(milliseconds: float | None) -> SafeString:
    """A duration: 850 ms, 4.2 s, 3 min 12 s."""
    return (
        EMPTY
        if milliseconds is None
        else format_html('<span class="number">{}</span>', duration_text(milliseconds))
    )


def duration_text(milliseconds: float) -> str:
    """Return a duration in its two largest units."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    size, unit = next((size, unit) for size, unit in STEPS if seconds >= size)
    smaller, small_unit = STEPS[[unit for _, unit in STEPS].index(unit) + 1]
    rest = int(seconds % size // smaller)
    return f"{seconds // size:.0f} {unit} {rest} {small_unit}" if rest else f"{seconds // size:.0f} {unit}"


def usd(amount: Decimal | None) -> SafeString:
    """An amount with as many digits as a cheap run needs: $0.0123, $4.20."""
    return EMPTY if amount is None else format_html('<span class="number">{}</span>', money(amount))


def money(amount: Decimal | None, unpriced: int = 0, digits: int | None = None) -> str:
    """Return a cost as text: `unknown`, or `at least $0.0123` if some parts have no known price.

    An `amount` of None is the cost of a part without a known price; `unpriced` is the number of such parts of
    a sum.
    """
    if amount is None or (unpriced and not amount):
        return UNKNOWN
    if digits is None:
        digits = 2 if amount == 0 or amount >= 1 else 4
    return f"{'at least ' if unpriced else ''}${amount:,.{digits}f}"


def cost(amount: Decimal | None, unpriced: int = 0) -> SafeString:
    """A cost, with the text of `money`."""
    if (label := money(amount, unpriced)) == UNKNOWN:
        return badge(UNKNOWN, "wait", "The price of a model was not known.")
    return format_html('<span class="number">{}</span>', label)


def count(number: float | None) -> SafeString:
    """A number with thousands separators."""
    return EMPTY if number is None else format_html('<span class="number">{}</span>', f"{number:,.0f}")


def at_least(cell: SafeString, cut_off: bool) -> SafeString:
    """Mark a number as a lower bound if `cut_off`."""
    mark = '<span title="The last run was cut off at its limit">≥&nbsp;{}</span>'
    return format_html(mark, cell) if cut_off and cell != EMPTY else cell


def tokens(number: int | None) -> SafeString:
    """A rounded number of tokens: 940, 12k, 3.4M."""
    if number is None:
        return EMPTY
    if number < THOUSAND:
        return count(number)
    text = f"{number / 1000:,.0f}k" if number < MILLION else f"{number / 1_000_000:,.1f}M"
    return format_html('<span class="number" title="{}">{}</span>', f"{number:,}", text)


def link(url: str, text: object, css: str = "") -> SafeString:
    return format_html('<a href="{}" class="{}">{}</a>', url, css, text)
