"""News for the outside: posted in the transaction that made it news, sent by `schedules.deliveries`."""

from datetime import datetime
from typing import Any

from schedules.models import Delivery, Run, Schedule
from schedules.states import RunStatus


def post(run: Run, schedule: Schedule, now: datetime) -> None:
    """Write what a finished run has to tell its schedule's targets; nothing for a heartbeat without news."""
    if run.suppressed or run.status == RunStatus.CANCELLED:
        return
    result = {
        "run_id": str(run.pk),
        "status": run.status,
        "failure_reason": run.failure_reason or None,
        "failure_detail": run.failure_detail or None,
        "result": run.result,
        "result_partial": run.result_partial,
        "report": run.report,
        "finished_at": now.isoformat(),
    }
    _post(schedule, Delivery.Kind.RESULT, result, now, run)


def post_self_pause(schedule: Schedule, now: datetime) -> None:
    """Write that a schedule paused itself, and why."""
    pause = {"reason": schedule.paused_reason, "paused_at": now.isoformat()}
    _post(schedule, Delivery.Kind.SELF_PAUSE, pause, now)


def _post(
    schedule: Schedule, kind: Delivery.Kind, facts: dict[str, Any], now: datetime, run: Run | None = None
) -> None:
    news = {"type": kind, "schedule_id": str(schedule.pk), "schedule_name": schedule.name}
    targets = {Delivery.Channel.WEBHOOK: schedule.webhook_url, Delivery.Channel.EMAIL: schedule.email}
    common = {"schedule": schedule, "run": run, "kind": kind, "payload": news | facts}
    if told := {channel: target for channel, target in targets.items() if target}:
        Delivery.objects.bulk_create(
            Delivery(channel=channel, target=target, created_at=now, next_attempt_at=now, **common)
            for channel, target in told.items()
        )
