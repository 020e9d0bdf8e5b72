"""How were the last 24 hours? Firings by hour and by what became of them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db.models import Case, Q, Sum, Value, When
from django.db.models.functions import TruncHour

from schedules.models import Firing
from schedules.states import Outcome

HOURS = 24
FATES = {"good": "done", "bad": "failed", "missed": "not fired", "busy": "under way"}
FATE = Case(
    When(~Q(outcome=Outcome.FIRED), then=Value("missed")),
    When(completed_at=None, then=Value("busy")),
    When(failure_reason="", then=Value("good")),
    default=Value("bad"),
)


@dataclass(frozen=True)
class Hour:
    """One hour: how many instants met which fate."""

    begins: datetime
    fates: dict[str, int] = field(default_factory=dict)


def look(now: datetime) -> list[Hour]:
    """Return the last 24 hours, the oldest first, the present one last."""
    this = now.replace(minute=0, second=0, microsecond=0)
    hours = {
        moment: Hour(moment) for moment in (this - timedelta(hours=back) for back in range(HOURS - 1, -1, -1))
    }
    for begins, fate, number in _counts(next(iter(hours))):
        if begins in hours:
            hours[begins].fates[fate] = number
    return list(hours.values())


def _counts(since: datetime) -> list[tuple[datetime, str, int]]:
    rows = Firing.objects.since(since).annotate(hour=TruncHour("nominal_at", tzinfo=UTC), fate=FATE)
    counted = rows.order_by().values("hour", "fate").annotate(number=Sum("count"))
    return list(counted.values_list("hour", "fate", "number"))
