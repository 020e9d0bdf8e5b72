"""News for the outside: posted with the news itself, delivered by the loop."""

from datetime import datetime

from schedules.models import Delivery, Run, Schedule
from schedules.states import RunStatus


def post(run: Run, now: datetime) -> None:
    """Write what a finished run has to tell its schedule's targets; nothing for a heartbeat without news."""
    if run.schedule_id is None or run.suppressed or run.status == RunStatus.CANCELLED:
        return
    payload = {
        "type": "result", "run_id": str(run.pk), "schedule": run.schedule_name, "status": run.status,
        "failure_reason": run.failure_reason, "result": run.result, "partial": run.result_partial, "report": run.report,
    }  # fmt: skip
    _post(run.schedule_id, Delivery.Kind.RESULT, payload, now, run)


def post_self_pause(schedule: Schedule, now: datetime) -> None:
    """Write that a schedule paused itself, and why."""
    payload = {
        "type": "self_pause",
        "schedule_id": str(schedule.pk),
        "schedule": schedule.name,
        "reason": schedule.paused_reason,
    }
    _post(schedule.pk, Delivery.Kind.SELF_PAUSE, payload, now)


def _post(
    schedule_id: int, kind: Delivery.Kind, payload: dict[str, object], now: datetime, run: Run | None = None
) -> None:
    targets = Schedule.objects.filter(pk=schedule_id).values_list("webhook_url", "email").first() or ("", "")
    channels = (Delivery.Channel.WEBHOOK, Delivery.Channel.EMAIL)
    Delivery.objects.bulk_create(
        Delivery(
            schedule_id=schedule_id, run=run, kind=kind, channel=channel, target=target, payload=payload, created_at=now, next_attempt_at=now
        )
        for channel, target in zip(channels, targets, strict=True)
        if target
    )  # fmt: skip
