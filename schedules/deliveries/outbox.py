"""The outbox: deliveries are written in the transaction of their event, and sent by
`schedules.deliveries`.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from agents.models import Profile
from schedules.models import Delivery, Firing, Run, Schedule
from schedules.states import RunStatus
from stagent.lib.db.prepared import Param, Select

type Facts = dict[str, Any]

FIRING_OF_RUN = Select(
    Firing.objects.filter(pk=Param("firing_id", Firing.id)).order_by().only("nominal_at", "fired_at")
)
PROFILE_OF_RUN = Select(Profile.objects.filter(pk=Param("profile_id", Profile.id)).order_by().only("slug"))


def post(run: Run, schedule: Schedule, now: datetime) -> None:
    """Write the deliveries of a finished run; none for a heartbeat without news."""
    if not run.suppressed and run.status != RunStatus.CANCELLED:
        _post(schedule, Delivery.Kind.RESULT, partial(_result, run, now), now, run)


def post_warning(schedule: Schedule, text: str, now: datetime) -> None:
    """Write a warning to the schedule's targets, before it pauses itself."""
    _post(schedule, Delivery.Kind.WARNING, partial(_reason, schedule, text, warned_at=now), now)


def post_self_pause(schedule: Schedule, now: datetime) -> None:
    """Write that a schedule paused itself, and why."""
    pause = partial(_reason, schedule, schedule.paused_reason, paused_at=now)
    _post(schedule, Delivery.Kind.SELF_PAUSE, pause, now)


def targets(schedule: Schedule) -> dict[Delivery.Channel, str]:
    """Return the target of each channel of a schedule."""
    owner = schedule.owner_id if schedule.deliver_to_chat else None
    addresses = {
        Delivery.Channel.CHAT: str(owner or ""),
        Delivery.Channel.WEBHOOK: schedule.webhook_url,
        Delivery.Channel.EMAIL: schedule.email,
    }
    return {channel: address for channel, address in addresses.items() if address}


def _post(
    schedule: Schedule, kind: Delivery.Kind, facts: Callable[[], Facts], now: datetime, run: Run | None = None
) -> None:
    """Write one delivery for each target; the payload is built only if there is one."""
    if not (addresses := targets(schedule)):
        return
    news = {
        "type": kind,
        "schedule_id": str(schedule.pk),
        "schedule_name": schedule.name,
        "timezone": schedule.timezone,
    } | facts()
    common = {"schedule": schedule, "run": run, "kind": kind, "payload": news}
    Delivery.objects.bulk_create(
        Delivery(channel=channel, target=target, created_at=now, next_attempt_at=now, **common)
        for channel, target in addresses.items()
    )


def _result(run: Run, now: datetime) -> Facts:
    """Return the payload of a result: prompt, time, outcome and text."""
    firing = FIRING_OF_RUN.first(firing_id=run.firing_id)
    nominal_at, fired_at = (firing.nominal_at, firing.fired_at) if firing else (None, None)
    return {
        "run_id": str(run.pk),
        "transcript_id": str(run.transcript_id),
        "project_id": _id(run.project_id),
        "profile": _slug(run.profile_id),
        "source": run.source,
        "prompt": run.prompt,
        "nominal_at": (nominal_at or run.queued_at).isoformat(),
        "fired_at": (fired_at or run.queued_at).isoformat(),
        "finished_at": now.isoformat(),
        "status": run.status,
        "failure_reason": run.failure_reason or None,
        "failure_detail": run.failure_detail or None,
        "result": run.result,
        "result_partial": run.result_partial,
        "report": run.report,
        "turn_count": run.turn_count,
        "cost_usd": None if (cost := run.known_cost) is None else float(cost),
    }


def _reason(schedule: Schedule, reason: str, **moment: datetime) -> Facts:
    when = {name: at.isoformat() for name, at in moment.items()}
    profile, project = _slug(schedule.profile_id), _id(schedule.project_id)
    return {"profile": profile, "project_id": project, "reason": reason} | when


def _slug(profile_id: int) -> str:
    profile = PROFILE_OF_RUN.first(profile_id=profile_id)
    return profile.slug if profile else ""


def _id(key: int | None) -> str | None:
    return None if key is None else str(key)
