"""Updates the stored totals in the loop, and adds the newer rows on reading."""

from collections import Counter
from datetime import datetime, timedelta

from schedules.models import CounterTotal
from schedules.monitoring.rollups.histograms import Totals
from schedules.monitoring.rollups.sources import SOURCES, RollupSource

SETTLED = timedelta(minutes=5)  # longer than any transaction of ours takes
STEP = 2_000  # rows at a time, some 30 ms: the loop has other work


def update(now: datetime) -> bool:
    """Add some final rows to the totals; return whether none are left for now."""
    settled = [_store(source, now) for source in SOURCES]
    return all(settled)


def start(now: datetime) -> None:
    """Start counting now; earlier rows are ignored."""
    for source in SOURCES:
        mark = source.newest(now)
        CounterTotal.objects.update_or_create(
            source=source.name, defaults={"mark": mark, "ahead": mark, "ahead_at": now}
        )


def totals() -> Totals:
    """Return all totals: the stored ones plus the rows beyond their marks.

    The marks are read first, so rows that are stored meanwhile are counted once.
    """
    kept = CounterTotal.objects.in_bulk()
    counted: Counter[str] = Counter()
    for source in SOURCES:
        tally = kept.get(source.name)
        counted.update(tally.totals if tally else {})
        counted.update(source.count(source.between(tally.mark if tally else 0)))
    return dict(counted)


def _store(source: RollupSource, now: datetime) -> bool:
    """Store the totals of a source up to a later mark."""
    tally, _ = CounterTotal.objects.get_or_create(source=source.name, defaults={"ahead_at": now - SETTLED})
    if now - tally.ahead_at < SETTLED:
        return True
    upto = source.step(tally.mark, tally.ahead, STEP)
    _count(source, tally, upto, now)
    return upto >= tally.ahead


def _count(source: RollupSource, tally: CounterTotal, upto: int, now: datetime) -> None:
    """Advance the mark by compare-and-set: if two schedulers count at once, one result is dropped."""
    counted = Counter(tally.totals)
    counted.update(source.count(source.between(tally.mark, upto)))
    changes = {"mark": upto, "totals": dict(counted)}
    if upto >= tally.ahead:
        changes |= {"ahead": max(source.newest(now), upto), "ahead_at": now}
    CounterTotal.objects.filter(pk=tally.pk, mark=tally.mark, ahead=tally.ahead).update(**changes)
