"""A forecast as JSON; the API, the agents' tool and `manage.py forecast --json` share it."""

from typing import Any

from schedules.forecast.forecast import ExpectedRun, Forecast, ForecastDay
from schedules.forecast.simulation import SimOutcome


def answer(forecast: Forecast, *, offset: int = 0, limit: int | None = None) -> dict[str, Any]:
    """Return the totals and one page of the expected runs, earliest first."""
    chosen = forecast.firings[offset : None if limit is None else offset + limit]
    return {
        "from": forecast.now.isoformat(),
        "until": forecast.until.isoformat(),
        "cap": forecast.cap,
        "runs": forecast.runs,
        "skipped": len(forecast.firings) - forecast.runs,
        "peak_concurrent": forecast.peak_running,
        "peak_at": forecast.peak_at.isoformat() if forecast.peak_at else None,
        "peak_waiting": forecast.peak_waiting,
        "longest_wait_sec": round(forecast.longest_wait_sec),
        "wait_p95_sec": round(forecast.wait_p95_sec),
        "turns": round(forecast.turns),
        "cost_usd": None if forecast.unpriced else round(forecast.cost_usd, 4),
        "schedules_left_out": forecast.omitted,
        "scheduled_work_stopped": forecast.stopped,
        "days": [_day(day) for day in forecast.days],
        "items": [_row(firing) for firing in chosen],
        "count": len(forecast.firings),
    }


def _day(day: ForecastDay) -> dict[str, Any]:
    return {
        "date": day.date.isoformat(),
        "firings": day.firings,
        "runs": day.runs,
        "turns": round(day.turns),
        "cost_usd": None if day.unpriced else round(day.cost_usd, 4),
    }


def _row(firing: ExpectedRun) -> dict[str, Any]:
    return {
        "schedule_id": None if firing.schedule.schedule_id is None else str(firing.schedule.schedule_id),
        "schedule_name": firing.schedule.name,
        "timezone": firing.schedule.timezone,
        "due_at": firing.due_at.isoformat(),
        "start_at": firing.start_at.isoformat() if firing.start_at else None,
        "end_at": firing.end_at.isoformat() if firing.end_at else None,
        "wait_sec": round(firing.wait_sec),
        "skipped_because": None if firing.outcome == SimOutcome.RUNS else str(firing.outcome),
    }
