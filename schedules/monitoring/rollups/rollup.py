"""Keeping the totals: the loop counts what has settled, whoever asks adds what came since."""

from collections import Counter
from datetime import datetime, timedelta

from schedules.models import CounterTotal
from schedules.monitoring.rollups.histograms import Totals
from schedules.monitoring.rollups.sources import SOURCES, RollupSource

SETTLED = timedelta(minutes=5)  # longer than any transaction of ours takes
STEP = 2_000  # rows at a time, some 30 ms: the loop has other work


def update(now: datetime) -> bool:
    """Count some of what has settled; tell whether nothing is left to count for now."""
    settled = [_keep(source, now) for source in SOURCES]
    return all(settled)


def start(now: datetime) -> None:
    """Count from now on, whatever was written before."""
    for source in SOURCES:
        mark = source.newest(now)
        CounterTotal.objects.update_or_create(
            source=source.name, defaults={"mark": mark, "ahead": mark, "ahead_at": now}
        )


def totals() -> Totals:
    """Return everything counted so far: what was kept, and what lies beyond it.

    The marks are read first. What is counted for good meanwhile is counted here from its rows, once.
    """
    kept = CounterTotal.objects.in_bulk()
    counted: Counter[str] = Counter()
    for source in SOURCES:
        tally = kept.get(source.name)
        counted.update(tally.totals if tally else {})
        counted.update(source.count(source.between(tally.mark if tally else 0)))
    return dict(counted)


def _keep(source: RollupSource, now: datetime) -> bool:
    tally, _ = CounterTotal.objects.get_or_create(source=source.name, defaults={"ahead_at": now - SETTLED})
    if now - tally.ahead_at < SETTLED:
        return True
    upto = source.step(tally.mark, tally.ahead, STEP)
    _count(source, tally, upto, now)
    return upto >= tally.ahead


def _count(source: RollupSource, tally: CounterTotal, upto: int, now: datetime) -> None:
    """Move the mark on by compare-and-set: of two schedulers that count at once, one's work is dropped."""
    counted = Counter(tally.totals)
    counted.update(source.count(source.between(tally.mark, upto)))
    changes = {"mark": upto, "totals": dict(counted)}
    if upto >= tally.ahead:
        changes |= {"ahead": max(source.newest(now), upto), "ahead_at": now}
    CounterTotal.objects.filter(pk=tally.pk, mark=tally.mark, ahead=tally.ahead).update(**changes)
