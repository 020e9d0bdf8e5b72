"""The forecast in the console: the coming hours drawn and added up, and what another cap would change."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.urls import reverse

from schedules import conf
from schedules.capacity import conditions, effective_cap
from schedules.forecast import inputs
from schedules.forecast.forecast import HOURS, ExpectedRun, Forecast, play
from schedules.timeline.axis import Axis
from schedules.timeline.drawing import draw
from schedules.timeline.rows import rows
from schedules.timing.timezones import zone
from stagent.console import stagger
from stagent.lib.web import formatting

CAP = conf.BY_NAME["SCHEDULE_MAX_CONCURRENT"]
NEXT = 40  # firings that are listed beneath the picture


@dataclass(frozen=True)
class Figure:
    """One number of the summary and what is said beneath it."""

    name: str
    value: str
    under: str = ""


def context(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """Return what the page shows; PermissionDenied to those who may not see schedules."""
    if not request.user.has_perm("schedules.view_schedule"):
        raise PermissionDenied
    at = conditions.load(now, effective_cap.load(now))
    until, in_force = now + timedelta(hours=HOURS), at.conf.max_concurrent
    workload = inputs.load(at, until)
    cap, wrong = _asked(request.GET.get("cap", "").strip())
    tried = [in_force, *([cap] if cap and cap != in_force else [])]
    played = [play(workload, now=now, until=until, cap=one) for one in tried]
    proposal = stagger.context(request, at, workload, played[-1])
    return (
        {"title": "Forecast", "hours": HOURS, "cap": cap, "in_force": in_force, "wrong": wrong}
        | proposal
        | _shown(played)
    )


def _asked(text: str) -> tuple[int | None, str]:
    """Read the cap to try, or say what is wrong with it."""
    if not text:
        return None, ""
    if text.isdecimal() and CAP.least <= int(text[:9]) <= CAP.most:
        return int(text), ""
    return None, f"A cap is a whole number from {CAP.least} to {CAP.most:,}; this is today's."


def _shown(played: list[Forecast]) -> dict[str, Any]:
    """Draw the forecasts: lanes of both, the rows of the one that was asked about."""
    asked = played[-1]
    axis = Axis(asked.now, asked.until, zone(settings.TIME_ZONE))
    shown = rows(asked, axis)
    return {
        "timezone": settings.TIME_ZONE,
        "empty": not (asked.firings or asked.present),
        "forecasts": [(forecast, figures(forecast, axis)) for forecast in played],
        "asked": asked,
        "rows": [(row, _address(row.schedule_id)) for row in shown],
        "picture": draw(axis, played, shown, _address),
        "days": [(day, _part_of_day(day.date, axis)) for day in asked.days],
        "next": [(one, _became(one)) for one in asked.firings[:NEXT]],
        "left_out": asked.omitted,
    }


def figures(forecast: Forecast, axis: Axis) -> list[Figure]:
    """Return the sums of a forecast as people read them."""
    days = (forecast.until - forecast.now) / timedelta(days=1)
    peak = f"{axis.local(forecast.peak_at):%a %H:%M}" if forecast.peak_at else ""
    kept = len(forecast.firings) - forecast.runs
    return [
        Figure("Most at once", f"{forecast.peak_running} of {forecast.cap}", f"first {peak}" if peak else ""),
        Figure("Most waiting", f"{forecast.peak_waiting:,}"),
        Figure("Longest wait", _for(forecast.longest_wait_sec), _most(forecast.wait_p95_sec)),
        Figure("Runs a day", f"{forecast.runs / days:,.0f}", f"{kept:,} firings do not run" if kept else ""),
        Figure("Steps a day", f"{forecast.turns / days:,.0f}"),
        Figure(
            "Cost a day", formatting.money(Decimal(forecast.cost_usd / days), forecast.unpriced, digits=2)
        ),
    ]


def _for(seconds: float) -> str:
    return formatting.duration_text(1000 * seconds) if seconds >= 1 else "none"


def _most(seconds: float) -> str:
    return f"95 % wait at most {_for(seconds)}" if seconds >= 1 else "95 % do not wait"


def _part_of_day(date: Any, axis: Axis) -> str:
    """Say which part of its day lies in the forecast, where it is not the whole."""
    first, last = axis.local(axis.since), axis.local(axis.until)
    if date == first.date():
        return f"from {first:%H:%M}"
    return f"until {last:%H:%M}" if date == last.date() else ""


def _became(one: ExpectedRun) -> str:
    return "" if one.start_at else str(one.outcome)


def _address(schedule_id: int | None) -> str:
    """Return where a row leads: its schedule, or all of them."""
    if schedule_id is None:
        return reverse("admin:schedules_schedule_changelist")
    return reverse("admin:schedules_schedule_change", args=[schedule_id])
