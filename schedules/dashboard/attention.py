"""Recent failures and everything else that needs attention."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q, QuerySet

from agents.models import Provider
from schedules.models import Run, Schedule
from schedules.states import RunStatus
from schedules.transitions.streaks import WARN_AFTER_BREACHES, WARN_AFTER_SLOW_RUNS, advice

RECENT = timedelta(hours=24)
MAX_ROWS = 6


@dataclass(frozen=True)
class Failure:
    """The last failure of a schedule with one reason, and the number of such failures."""

    run: Run
    times: int


@dataclass(frozen=True)
class Attention:
    """Recent failures, automatically paused schedules, schedules with warnings and blocked providers."""

    since: datetime  # start of the recent failures
    failures: list[Failure]
    paused: list[Schedule]
    warned: list[tuple[Schedule, str]]
    providers: list[Provider]


def load(now: datetime) -> Attention:
    return Attention(
        since=now - RECENT,
        failures=_failures(now - RECENT),
        paused=list(_paused()[:MAX_ROWS]),
        warned=[(schedule, advice(schedule)[0]) for schedule in _warned()],
        providers=list(Provider.objects.blocked(now)),
    )


def _failures(since: datetime) -> list[Failure]:
    failed = Run.objects.filter(status=RunStatus.FAILED, queued_at__gte=since).order_by()
    groups = failed.values("schedule", "failure_reason").annotate(last=Max("pk"), times=Count("pk"))
    times = dict(groups.order_by("-last").values_list("last", "times")[:MAX_ROWS])
    runs = Run.objects.filter(pk__in=times).order_by("-pk")
    return [Failure(run, times[run.pk]) for run in runs]


def _paused() -> QuerySet[Schedule]:
    return Schedule.objects.paused_themselves().order_by("-last_fired_at", "pk")


def _warned() -> list[Schedule]:
    streaks = Q(turn_budget_breach_streak__gte=WARN_AFTER_BREACHES) | Q(slow_streak__gte=WARN_AFTER_SLOW_RUNS)
    return list(Schedule.objects.active().filter(streaks)[:MAX_ROWS])
