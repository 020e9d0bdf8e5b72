"""What a set of firings adds up to: how long they waited, how long they took, how late they were."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet

from schedules.models import Firing

NEWEST = 2000  # firings that are looked at; more would make the page slow and change little
SHARES = (50, 95, 99)
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Measure:
    """One measurement: its name and its percentiles, in milliseconds; None where nothing was measured."""

    name: str
    values: list[float | None]


@dataclass(frozen=True)
class Summary:
    """The newest firings that fit, how many of them fired, and the measurements."""

    looked_at: int
    bounded: bool
    failed: int
    measures: list[Measure]


def summary(firings: QuerySet[Firing]) -> Summary:
    """Add up the newest firings of a list."""
    columns = ("due_at", "fired_at", "slot_wait_ms", "duration_ms", "failure_reason")
    rows = list(firings.order_by("-nominal_at").values_list(*columns)[:NEWEST])
    measured = {
        "Lag": [(fired_at - due_at) / MILLISECOND for due_at, fired_at, *_ in rows if fired_at],
        "Slot wait": [wait for _, _, wait, _, _ in rows if wait is not None],
        "Took": [took for _, _, _, took, _ in rows if took is not None],
    }
    measures = [
        Measure(name, [percentile(values, share) for share in SHARES]) for name, values in measured.items()
    ]
    return Summary(len(rows), len(rows) == NEWEST, sum(bool(row[4]) for row in rows), measures)


def percentile(values: list[float], share: int) -> float | None:
    """Return the value that this share of all does not exceed, by nearest rank."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, -(-share * len(ordered) // 100) - 1)]
