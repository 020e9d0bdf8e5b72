"""Histograms counted by the database in one query."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Case, Count, Q, QuerySet, Sum, Value, When
from django.db.models.expressions import Combinable

MICROSECOND = timedelta(microseconds=1)
INFINITY = "+Inf"
SUM = "sum"

type Totals = dict[str, int]


@dataclass(frozen=True)
class Histogram:
    """A value, the bounds of its buckets, and the divisor to the displayed unit.

    Sums are integers: a float added in another order can decrease by rounding, and Prometheus reads a
    decreasing counter as a restart.
    """

    name: str
    value: Combinable
    bounds: tuple[Any, ...]
    scale: float = 1.0

    def count(self, rows: QuerySet[Any]) -> Totals:
        """Return the number of rows in each bucket, by index, and the sum of all values."""
        arms = [When(measured=None, then=Value(-1))]
        arms += [When(Q(measured__lte=bound), then=Value(bin_)) for bin_, bound in enumerate(self.bounds)]
        binned = rows.order_by().annotate(measured=self.value)
        binned = binned.annotate(bin=Case(*arms, default=Value(len(self.bounds))))
        found = binned.values_list("bin").annotate(Count("pk"), Sum("measured"))
        counted: Totals = {}
        for index, number, total in found:
            if index >= 0:
                counted[f"{self.name}|{self._label(index)}"] = number
                counted[f"{self.name}|{SUM}"] = counted.get(f"{self.name}|{SUM}", 0) + _to_integer(total)
        return counted

    def values(self, totals: Mapping[str, int]) -> tuple[list[tuple[str, float]], float]:
        """Return the cumulative buckets of Prometheus, and the sum."""
        buckets, so_far = [], 0
        for index in range(len(self.bounds) + 1):
            so_far += totals.get(f"{self.name}|{self._label(index)}", 0)
            buckets.append((self._label(index), float(so_far)))
        return buckets, totals.get(f"{self.name}|{SUM}", 0) / self.scale

    def _label(self, index: int) -> str:
        if index == len(self.bounds):
            return INFINITY
        return str(float(_to_integer(self.bounds[index]) / self.scale))


def _to_integer(value: Any) -> int:
    """Return a number unchanged, and a duration in microseconds."""
    return value // MICROSECOND if isinstance(value, timedelta) else int(value or 0)
