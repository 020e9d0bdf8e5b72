"""The sources of the counters: firings, finished runs, spending, chat replies.

A row is counted once it can no longer change, in the order of a mark that only grows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    DurationField,
    F,
    Max,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.db.models.expressions import ExpressionWrapper
from django.db.models.functions import Cast, Round

from agents.models import LedgerEntry, StreamRecord
from agents.states import Activity
from schedules.models import Firing, Run
from schedules.monitoring.rollups.histograms import MICROSECOND, Histogram, Totals
from schedules.states import FiringKind, Outcome, RunStatus

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS = 1e3
USEC = 1e6
COINS_PER_USD = 10**8  # as the ledger counts them


def _ms(*seconds: float) -> tuple[int, ...]:
    return tuple(round(second * 1000) for second in seconds)


def _to_integer(column: str, times: int) -> Cast:
    """Round each row to an integer of a smaller unit, so that sums do not depend on the order."""
    return Cast(Round(F(column) * Value(times)), BigIntegerField())


SHORT = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
LONG = (1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21_600, 86_400)

LATENESS = Histogram(
    "lateness",
    Case(
        When(
            Q(fired_at__isnull=False) & (Q(deferral_ms=None) | Q(deferral_ms=0)) & ~Q(kind=FiringKind.MANUAL),
            then=ExpressionWrapper(F("fired_at") - F("due_at"), output_field=DurationField()),
        ),
        default=None,
        output_field=DurationField(),
    ),
    tuple(timedelta(seconds=second) for second in SHORT),
    USEC,
)
SLOT_WAIT = Histogram("slot_wait", F("firing__slot_wait_ms"), _ms(0.01, 0.05, 0.25, *LONG), MS)
DURATION = Histogram("duration", F("firing__duration_ms"), _ms(*LONG), MS)
TURNS = Histogram("turns", F("turn_count"), (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000))
LAG = Histogram(
    "loop_lag",
    _to_integer("firing__event_loop_lag_ms", 1000),
    tuple(round(second * 1e6) for second in (0.001, 0.0025, *SHORT[:10])),
    USEC,
)
FIRST_TOKEN = Histogram("first_token", F("first_token_ms"), _ms(*SHORT[2:13]), MS)
OVERHEAD = Histogram("overhead", F("overhead_ms"), _ms(*SHORT[:10]), MS)


@dataclass(frozen=True)
class RollupSource:
    """Rows in the order of a mark: `groups` counts them by labels, each histogram by its buckets."""

    name: str
    rows: Callable[[], QuerySet[Any]]
    mark: str  # a column; a moment counts in microseconds
    groups: Callable[[QuerySet[Any]], Totals]
    histograms: Sequence[Histogram] = ()

    @property
    def by_moment(self) -> bool:
        return self.mark != "pk"

    def newest(self, now: datetime) -> int:
        """Return a mark above which nothing has been written yet."""
        if self.by_moment:
            return as_mark(now)
        return self.rows().order_by().aggregate(newest=Max("pk"))["newest"] or 0

    def between(self, after: int, upto: int | None = None) -> QuerySet[Any]:
        """Return the rows after one mark up to another."""
        found = self.rows().filter(**{f"{self.mark}__gt": self._value(after)})
        return found if upto is None else found.filter(**{f"{self.mark}__lte": self._value(upto)})

    def step(self, after: int, upto: int, most: int) -> int:
        """Return a mark not above `upto` with about `most` rows below it."""
        column = self.between(after, upto).order_by(self.mark).values_list(self.mark, flat=True)
        last = column[most - 1 : most].first()
        return upto if last is None else (as_mark(last) if self.by_moment else last)

    def count(self, rows: QuerySet[Any]) -> Totals:
        """Count rows by labels and by the buckets of each histogram, one query each."""
        counted = self.groups(rows)
        for histogram in self.histograms:
            counted |= histogram.count(rows)
        return counted

    def _value(self, mark: int) -> Any:
        return EPOCH + timedelta(microseconds=mark) if self.by_moment else mark


def as_mark(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def _decisions(rows: QuerySet[Firing]) -> Totals:
    """Count instants by their decision when they were due; a run that expired later had fired."""
    expired = Q(outcome__in=(Outcome.EXPIRED_IN_QUEUE, Outcome.MISSED), fired_at__isnull=False)
    decided = Case(When(expired, then=Value(Outcome.FIRED)), default=F("outcome"))
    found = rows.order_by().annotate(decided=decided).values_list("decided").annotate(Sum("count"))
    return {f"firings|{outcome}": number for outcome, number in found}


def _endings(rows: QuerySet[Run]) -> Totals:
    columns = ("status", "source", "failure_reason")
    counted: Totals = {}
    for status, source, reason, number in rows.order_by().values_list(*columns).annotate(Count("pk")):
        _add(counted, f"runs|{status}|{source}", number)
        if status == RunStatus.FAILED:  # who cancels a run is no failure of it, though it has a reason
            _add(counted, f"failures|{reason}", number)
    return counted


TOKENS = ("input", "output", "cache_read", "cache_write")
SPENT: dict[str, Any] = {
    "cost": Sum(_to_integer("cost_usd", COINS_PER_USD)),
    "unpriced": Count("pk") - Count("cost_usd"),
} | {f"tokens_{kind}": Sum(f"{kind}_tokens") for kind in TOKENS}


def _spending(rows: QuerySet[LedgerEntry]) -> Totals:
    counted: Totals = {}
    found: Any = rows.order_by().values_list("activity").annotate(Count("pk")).annotate(**SPENT)
    for activity, entries, *sums in found:
        counted["forced" if activity == Activity.MANUAL_FORCE_BYPASS else f"replies|{activity}"] = entries
        for name, total in zip(SPENT, sums, strict=True):
            counted[f"{name}|{activity}"] = int(total or 0)
    return counted


def _streams(rows: QuerySet[StreamRecord]) -> Totals:
    found = rows.order_by().values_list("reason").annotate(Count("pk"))
    return {f"streams|{reason}": number for reason, number in found}


def _add(counted: Totals, key: str, number: int) -> None:
    counted[key] = counted.get(key, 0) + number


SOURCES = (
    RollupSource("firings", Firing.objects.all, "pk", _decisions, (LATENESS,)),
    RollupSource("runs", Run.objects.all, "finished_at", _endings, (SLOT_WAIT, DURATION, TURNS, LAG)),
    RollupSource("ledger", LedgerEntry.objects.all, "at", _spending),
    RollupSource("streams", StreamRecord.objects.all, "ended_at", _streams, (FIRST_TOKEN, OVERHEAD)),
)
