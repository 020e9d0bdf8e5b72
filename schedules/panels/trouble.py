"""What went wrong lately, and what needs a person?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from agents.models import Provider
from schedules.models import Run, Schedule
from schedules.states import RunStatus, ScheduleStatus
from schedules.streaks import WARN_AFTER_BREACHES, WARN_AFTER_SLOW_RUNS, advice

LATELY = timedelta(hours=24)
MOST = 6
PAUSED_ITSELF = "Paused itself"  # how `streaks` begins such a reason


@dataclass(frozen=True)
class Trouble:
    """Recent failures, schedules that paused themselves or are warned, providers nobody may ask."""

    failures: list[Run]
    paused: list[Schedule]
    warned: list[tuple[Schedule, str]]
    providers: list[Provider]


def look(now: datetime) -> Trouble:
    """Return what an operator should look at."""
    failed = Run.objects.filter(status=RunStatus.FAILED, queued_at__gte=now - LATELY)
    return Trouble(
        failures=list(failed.select_related("schedule").order_by("-queued_at", "-pk")[:MOST]),
        paused=list(paused_themselves()[:MOST]),
        warned=[(schedule, advice(schedule)[0]) for schedule in _warned()],
        providers=list(Provider.objects.blocked(now)),
    )


def paused_themselves() -> QuerySet[Schedule]:
    """Return the schedules that paused themselves."""
    return Schedule.objects.filter(
        status=ScheduleStatus.PAUSED, paused_reason__startswith=PAUSED_ITSELF
    ).order_by("-updated_at")


def _warned() -> list[Schedule]:
    streaks = Q(turn_budget_breach_streak__gte=WARN_AFTER_BREACHES) | Q(slow_streak__gte=WARN_AFTER_SLOW_RUNS)
    return list(Schedule.objects.active().filter(streaks)[:MOST])
