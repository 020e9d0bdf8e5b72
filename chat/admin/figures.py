"""Summarises chat streams as figures and charts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.safestring import SafeString

from agents.models import StreamRecord
from chat import stream_metrics
from chat.stream_metrics import FIGURES, Spread
from stagent.lib.web import svg_charts
from stagent.lib.web.svg_charts import Bar

DAYS = 14
COLUMN = {"first_token_ms": 2, "overhead_ms": 3, "total_ms": 4}  # of the list, to sort by it
TONES = {"good": "completed", "calm": "stopped", "bad": "failed"}

type Link = Callable[[dict[str, str]], str]  # the list's address with these filters added


@dataclass(frozen=True)
class Line:
    """An end reason: its count and the link to its rows."""

    reason: str
    number: int
    bar: SafeString
    link: str


@dataclass(frozen=True)
class Figures:
    """The summary of the filtered streams."""

    count: int
    spreads: list[tuple[str, Spread, str]]
    lines: list[Line]
    chart: SafeString


def figures(records: QuerySet[StreamRecord], now: datetime, link: Link) -> Figures:
    summary = stream_metrics.summary(records)
    most = max(summary.reasons.values(), default=0)
    lines = [
        Line(
            reason,
            number,
            svg_charts.share_bar(number, most, stream_metrics.tone(reason)),
            link({"reason": reason}),
        )
        for reason, number in summary.reasons.items()
    ]
    spreads = [
        (FIGURES[name], spread, link({"o": f"-{COLUMN[name]}"})) for name, spread in summary.spreads.items()
    ]
    return Figures(summary.count, spreads, lines, _by_day(records, now, link))


def _by_day(records: QuerySet[StreamRecord], now: datetime, link: Link) -> SafeString:
    """Draw a bar for each of the last days: its streams by outcome."""
    zone = timezone.get_default_timezone()
    today = timezone.localtime(now, zone).date()
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    lately = records.order_by().filter(ended_at__gt=now - timedelta(days=DAYS))
    counted = lately.annotate(day=TruncDate("ended_at", tzinfo=zone)).values("day", "reason")
    found: dict[date, dict[str, int]] = {}
    for row in counted.annotate(streams=Count("pk")):
        tones = found.setdefault(row["day"], dict.fromkeys(TONES, 0))
        tones[stream_metrics.tone(row["reason"])] += row["streams"]
    bars = [_bar(day, found.get(day, {}), link(_within(day))) for day in days]
    return svg_charts.bars(bars, f"Replies of the last {DAYS} days, by day")


def _within(day: date) -> dict[str, str]:
    """Return the list filters for the streams of a day."""
    zone = timezone.get_default_timezone()
    begins, ends = (datetime.combine(one, time.min, zone) for one in (day, day + timedelta(days=1)))
    return {"ended_at__gte": begins.isoformat(), "ended_at__lt": ends.isoformat()}


def _bar(day: date, tones: dict[str, int], link: str) -> Bar:
    counts = ", ".join(f"{number} {TONES[tone]}" for tone, number in tones.items() if number) or "none"
    return Bar(f"{day:%a %d %b}: {counts}", [(tone, tones.get(tone, 0)) for tone in TONES], link)
