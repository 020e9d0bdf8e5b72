"""Builds the context of the dashboard page by permission; `console.site` renders it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from agents.models import Approval, Budget
from agents.spending import budgets
from agents.states import BudgetScope, BudgetWindow
from chat import stream_metrics
from schedules import conf
from schedules.capacity import conditions, effective_cap
from schedules.capacity.conditions import StartConditions
from schedules.dashboard import attention, day, queue, slots, upcoming
from schedules.dashboard.day import Hour
from schedules.models import Notice
from stagent.lib.web import svg_charts
from stagent.lib.web.admin import user_of
from stagent.lib.web.svg_charts import Bar

MOST_CHANGES = 8
MAX_APPROVALS = 5


@dataclass(frozen=True)
class Money:
    """What today cost, and how that stands to the budgets of the install."""

    since: datetime
    today: budgets.Spending
    budgets: list[tuple[Budget, budgets.Spending]]


@dataclass(frozen=True)
class DaySummary:
    """The last 24 hours as a picture and in numbers."""

    chart: SafeString
    results: dict[str, int]
    since: datetime


def context(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """Return the panels that this user may see."""
    cap = effective_cap.snapshot(now)
    at = conditions.load(now, replace(conf.load(), max_concurrent=cap.value))
    allowed = {
        name: panel for name, (permission, panel) in PANELS.items() if request.user.has_perm(permission)
    }
    asked = Approval.objects.of(user_of(request)).open().order_by("expires_at")
    panels = {name: panel(at) for name, panel in allowed.items()}
    more = {"situation": at, "cap": cap, "now": now, "approvals": list(asked[:MAX_APPROVALS])}
    return panels | more | {"sees": bool(allowed)}


def _money(now: datetime) -> Money:
    install = Budget.objects.filter(scope=BudgetScope.INSTALL)
    return Money(
        budgets.window_start(BudgetWindow.DAY, now),
        budgets.spent_today(now),
        [(budget, budgets.spent_in_window(budget, now)) for budget in install],
    )


def _changes() -> QuerySet[LogEntry]:
    return LogEntry.objects.select_related("user", "content_type").order_by("-action_time", "-pk")


def _day(hours: list[Hour]) -> DaySummary:
    results = {result: sum(hour.results.get(result, 0) for hour in hours) for result in day.RESULTS}
    chart = svg_charts.bars([_bar(hour) for hour in hours], "Firings of the last 24 hours, by hour")
    return DaySummary(chart, results, hours[0].begins)


def _bar(hour: Hour) -> Bar:
    told = (
        ", ".join(f"{number} {day.RESULTS[result]}" for result, number in hour.results.items()) or "nothing"
    )
    local = timezone.localtime(hour.begins, timezone.get_default_timezone())
    ends = hour.begins + day.HOUR
    within = {"nominal_at__gte": hour.begins.isoformat(), "nominal_at__lt": ends.isoformat()}
    rows = reverse("admin:schedules_firing_changelist", query=within)
    return Bar(
        f"{local:%H:%M}: {told}", [(result, hour.results.get(result, 0)) for result in day.RESULTS], rows
    )


MOST_NOTICES = 5

PANELS: dict[str, tuple[str, Callable[[StartConditions], Any]]] = {
    "notices": ("schedules.view_notice", lambda at: list(Notice.objects.unseen()[:MOST_NOTICES])),
    "pools": ("schedules.view_slot", lambda at: slots.load(at.conf)),
    "queue": ("schedules.view_run", queue.load),
    "upcoming": ("schedules.view_schedule", lambda at: upcoming.load(at.now)),
    "attention": ("schedules.view_run", lambda at: attention.load(at.now)),
    "day": ("schedules.view_firing", lambda at: _day(day.load(at.now))),
    "streams": ("agents.view_livestream", lambda at: stream_metrics.live_replies(at.now)),
    "changes": ("admin.view_logentry", lambda at: list(_changes()[:MOST_CHANGES])),
    "money": ("agents.view_ledgerentry", lambda at: _money(at.now)),
}
