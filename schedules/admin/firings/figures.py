"""Statistics of a set of firings: lag, slot wait, duration, step usage and failures."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.utils.safestring import SafeString

from agents.states import FailureReason
from schedules.admin.number_filters import LagFilter, Range, StepsFilter, TookFilter, WaitFilter, counts
from schedules.models import Firing
from stagent.lib.web import svg_charts

MAX_FIRINGS = 2000  # firings that are read; more would make the page slow and change little
SHARES = (50, 95, 99)
MILLISECOND = timedelta(milliseconds=1)
COLUMNS = (
    "due_at", "fired_at", "slot_wait_ms", "duration_ms", "turn_count", "max_turns_at_firing",
    "failure_reason", "completed_at",
)  # fmt: skip

type Link = Callable[[dict[str, str]], str]  # the list's URL with these filters added


@dataclass(frozen=True)
class Measure:
    """A measured value: its percentiles in milliseconds, each with a link to the rows at or above it."""

    name: str
    values: list[float | None]
    links: list[str]


class ChartBar(NamedTuple):
    """One bar of a chart, with a link to its rows."""

    label: str
    number: int
    bar: SafeString
    link: str


@dataclass(frozen=True)
class Chart:
    """A distribution of the firings over ranges or failure reasons."""

    title: str
    bars: list[ChartBar]
    empty_text: str = ""  # shown if there are no bars


@dataclass(frozen=True)
class Summary:
    """Counts, percentiles and charts of the newest matching firings."""

    firing_count: int
    truncated: bool
    failed: int
    failed_link: str
    cancelled: int  # by a user; not a failure
    cancelled_link: str
    measures: list[Measure]
    charts: list[Chart] = field(default_factory=list)


class Measurements(NamedTuple):
    """The measured values of one firing: durations in milliseconds, steps in percent of the limit."""

    lag: float | None
    wait: float | None
    took: float | None
    steps: float | None
    failure_reason: str
    completed: bool

    @property
    def cancelled(self) -> bool:
        """As `Firing.was_cancelled`."""
        never_ran = self.took is None and not self.failure_reason
        return self.completed and (self.failure_reason == FailureReason.ABORTED or never_ran)

    @property
    def failed(self) -> bool:
        return bool(self.failure_reason) and not self.cancelled


def summarise(firings: QuerySet[Firing], link: Link) -> Summary:
    rows = [_measurements(row) for row in firings.order_by("-nominal_at").values_list(*COLUMNS)[:MAX_FIRINGS]]
    waits = [row.wait for row in rows if row.wait is not None]
    took = [row.took for row in rows if row.took is not None]
    steps = [row.steps for row in rows if row.steps is not None]
    return Summary(
        firing_count=len(rows),
        truncated=len(rows) == MAX_FIRINGS,
        failed=sum(row.failed for row in rows),
        failed_link=link({"result": "bad"}),
        cancelled=sum(row.cancelled for row in rows),
        cancelled_link=link({"result": "calm"}),
        measures=[
            _measure("Lag", [row.lag for row in rows if row.lag is not None], LagFilter.parameter_name, link),
            _measure("Slot wait", waits, WaitFilter.parameter_name, link),
            _measure("Duration", took, TookFilter.parameter_name, link),
        ],
        charts=[
            _spread("Slot wait", waits, WaitFilter.ranges, WaitFilter.parameter_name, link),
            _spread("Duration", took, TookFilter.ranges, TookFilter.parameter_name, link),
            _spread("Step limit used", steps, StepsFilter.ranges, StepsFilter.parameter_name, link),
            _reasons(Counter(row.failure_reason for row in rows if row.failed), link),
        ],
    )


def _measurements(row: tuple[Any, ...]) -> Measurements:
    due_at, fired_at, wait, took, turns, most, reason, completed_at = row
    lag = (fired_at - due_at) / MILLISECOND if fired_at else None
    steps = 100 * turns / most if most and turns is not None else None
    return Measurements(lag, wait, took, steps, reason, completed_at is not None)


def _measure(name: str, values: list[float], parameter: str, link: Link) -> Measure:
    found = [percentile(values, share) for share in SHARES]
    return Measure(name, found, [link({parameter: f"{int(value or 0)}-"}) for value in found])


def _spread(title: str, values: list[float], ranges: Sequence[Range], parameter: str, link: Link) -> Chart:
    counted = counts(values, ranges)
    most = max((number for _, number in counted), default=0)
    bars = [
        ChartBar(
            str(range_),
            number,
            svg_charts.share_bar(number, most, _tone(range_)),
            link({parameter: range_.value}),
        )
        for range_, number in counted
    ]
    return Chart(title, bars if values else [], "No measurements yet.")


def _tone(range_: Range) -> str:
    """Colour ranges at or near the step limit."""
    if range_.unit != "%":
        return "main"
    return "bad" if range_.low >= 100 else "wait" if range_.low >= 80 else "main"


def _reasons(counted: Counter[str], link: Link) -> Chart:
    most = max(counted.values(), default=0)
    bars = [
        ChartBar(
            reason.replace("_", " "),
            number,
            svg_charts.share_bar(number, most, "bad"),
            link({"failure_reason__exact": reason}),
        )
        for reason, number in sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    ]
    return Chart("Failures by reason", bars, "No failures.")


def percentile(values: list[float], share: int) -> float | None:
    """Return a percentile by nearest rank."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, -(-share * len(ordered) // 100) - 1)]
