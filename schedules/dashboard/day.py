"""Firings of the last 24 hours by hour and result."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db.models import Case, Q, Sum, Value, When

from schedules.models import Firing
from schedules.models.firing import CANCELLED
from schedules.states import Outcome

HOURS = 24
HOUR = timedelta(hours=1)
CACHED_AFTER = timedelta(hours=2)  # younger hours are counted at each load
CACHE_SEC = 120
RESULTS = {
    "good": "completed",
    "bad": "failed",
    "calm": "cancelled",
    "missed": "not fired",
    "busy": "running",
}
RESULT = Case(
    When(~Q(outcome=Outcome.FIRED), then=Value("missed")),
    When(completed_at=None, then=Value("busy")),
    When(CANCELLED, then=Value("calm")),
    When(failure_reason="", then=Value("good")),
    default=Value("bad"),
)


@dataclass(frozen=True)
class Hour:
    """One hour with the number of instants by result."""

    begins: datetime
    results: dict[str, int] = field(default_factory=dict)


def load(now: datetime) -> list[Hour]:
    """Return the last 24 hours, oldest first; the last one is the current hour."""
    this = now.replace(minute=0, second=0, microsecond=0)
    return [_hour(this - timedelta(hours=back), now) for back in range(HOURS - 1, -1, -1)]


def _hour(begins: datetime, now: datetime) -> Hour:
    """Count an hour; hours that hardly change any more are cached."""
    if now - begins < CACHED_AFTER:
        return Hour(begins, _count(begins))
    key = f"board-hour-{begins:%Y%m%d%H}"
    return Hour(begins, cache.get_or_set(key, lambda: _count(begins), CACHE_SEC) or {})


def _count(begins: datetime) -> dict[str, int]:
    rows = Firing.objects.filter(nominal_at__gte=begins, nominal_at__lt=begins + HOUR)
    counted = rows.order_by().annotate(result=RESULT).values("result").annotate(number=Sum("count"))
    return dict(counted.values_list("result", "number"))
