"""Ranges of a measured value: they group the values in a chart and filter a list."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.db import connection
from django.db.models import F, FloatField, Func, Q, QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest

from stagent.lib.web.formatting import duration_text

MAX_DIGITS = 12
MILLISECOND = timedelta(milliseconds=1)
TOLERANCE_MS = 1.2  # SQLite rounds each end to a whole millisecond


@dataclass(frozen=True)
class Range:
    """A range of values: `low` is included, `high` is not; None means no upper bound."""

    low: int
    high: int | None
    unit: str = "ms"

    @property
    def value(self) -> str:
        """The range as a query parameter."""
        return f"{self.low}-{'' if self.high is None else self.high}"

    def __str__(self) -> str:
        if self.high is None:
            return f"{self._format(self.low)} or more"
        return (
            f"{self._format(self.low)} to {self._format(self.high)}"
            if self.low
            else f"under {self._format(self.high)}"
        )

    def __contains__(self, value: float) -> bool:
        return self.low <= value and (self.high is None or value < self.high)

    def _format(self, value: int) -> str:
        return f"{value} %" if self.unit == "%" else duration_text(value).replace(".0 s", " s")


def split(edges: Sequence[int], unit: str = "ms") -> list[Range]:
    """Return the ranges between the edges; the last one has no upper bound."""
    return [Range(low, high, unit) for low, high in zip(edges, [*edges[1:], None], strict=True)]


def parse(text: str, unit: str = "ms") -> Range | None:
    """Parse a range from a query parameter; None if it is not one."""
    low, dash, high = text.partition("-")
    if not dash or not _is_number(low) or (high and not _is_number(high)):
        return None
    return Range(int(low), int(high) if high else None, unit)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS


def counts(values: Iterable[float], ranges: Sequence[Range]) -> list[tuple[Range, int]]:
    every = list(values)
    return [(range_, sum(value in range_ for value in every)) for range_ in ranges]


class RangeFilter(admin.SimpleListFilter):
    """Rows whose value lies in a range: a predefined one or the one in the query string."""

    ranges: ClassVar[Sequence[Range]]
    column: ClassVar[str] = ""

    @property
    def chosen(self) -> Range | None:
        return parse(self.value() or "", self.ranges[0].unit)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        named = {range_.value: str(range_) for range_ in self.ranges}
        requested = parse(request.GET.get(self.parameter_name or "", ""), self.ranges[0].unit)
        return list((named | ({requested.value: str(requested)} if requested else {})).items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.chosen is None else self.narrow(queryset, self.chosen)

    def narrow(self, queryset: QuerySet[Any], to: Range) -> QuerySet[Any]:
        """Return the rows in a range; rows without a value are in none."""
        queryset = queryset.filter(**{f"{self.column}__gte": to.low})
        return queryset if to.high is None else queryset.filter(**{f"{self.column}__lt": to.high})


class JulianMs(Func):
    """Milliseconds from one moment to another on SQLite, give or take `TOLERANCE_MS`."""

    output_field = FloatField()
    template = "(%(expressions)s) * 86400000"

    def __init__(self, begins: Combinable, ends: Combinable) -> None:
        days = (Func(each, function="julianday") for each in (ends, begins))
        super().__init__(*days, arg_joiner=" - ")


class WaitFilter(RangeFilter):
    """Firings by how long their run waited for a slot."""

    title, parameter_name, column = "slot wait", "wait", "slot_wait_ms"
    ranges = split((0, 1000, 10_000, 60_000, 300_000, 1_800_000))


class TookFilter(RangeFilter):
    """Firings by how long their run took."""

    title, parameter_name, column = "duration", "took", "duration_ms"
    ranges = split((0, 10_000, 60_000, 300_000, 1_200_000, 3_600_000))


class LagFilter(RangeFilter):
    """Firings by how late they fired."""

    title, parameter_name, column = "lag", "lag", "lag_ms"
    ranges = split((0, 25, 1000, 60_000))

    def narrow(self, queryset: QuerySet[Any], to: Range) -> QuerySet[Any]:
        late_enough = Q(fired_at__gte=F("due_at") + to.low * MILLISECOND)
        in_time = Q() if to.high is None else Q(fired_at__lt=F("due_at") + to.high * MILLISECOND)
        if connection.vendor == "postgresql":
            return queryset.filter(late_enough, in_time)
        # On SQLite Django computes exact differences in Python, 5 µs a row: only for rows near an edge.
        measured = queryset.alias(lag_ms=JulianMs(F("due_at"), F("fired_at")))
        rows: QuerySet[Any] = measured.filter(lag_ms__gte=to.low - TOLERANCE_MS)
        rows = rows.filter(Q(lag_ms__gte=to.low + TOLERANCE_MS) | late_enough)
        if to.high is None:
            return rows
        near: QuerySet[Any] = rows.filter(lag_ms__lt=to.high + TOLERANCE_MS)
        return near.filter(Q(lag_ms__lt=to.high - TOLERANCE_MS) | in_time)


class LoopFilter(RangeFilter):
    """Firings by how late the event loop was while their run ran."""

    title, parameter_name, column = "loop lag", "loop", "event_loop_lag_ms"
    ranges = split((0, 10, 50, 250, 1000))


class StepsFilter(RangeFilter):
    """Firings by the percentage of their step limit that they used."""

    title, parameter_name, column = "step limit used", "steps", "hundredfold"
    ranges = split((0, 25, 50, 80, 100), "%")

    def narrow(self, queryset: QuerySet[Any], to: Range) -> QuerySet[Any]:
        limit, limited = F("max_turns_at_firing"), queryset.filter(max_turns_at_firing__gt=0)
        steps = limited.alias(hundredfold=F("turn_count") * 100)
        above: QuerySet[Any] = steps.filter(hundredfold__gte=limit * to.low)
        return above if to.high is None else above.filter(hundredfold__lt=limit * to.high)
