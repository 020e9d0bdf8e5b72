"""What an operator does with schedules: each verb says in a sentence what became of it, and logs it."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from schedules.models import Schedule
from schedules.models.schedule import NAME_CHARS
from schedules.services import edit_schedule, run_now
from schedules.services.run_now import Started
from schedules.states import ScheduleStatus
from schedules.timing import when_text
from schedules.transitions import forgive
from schedules.transitions import pause as pause_active
from schedules.transitions import resume as resume_paused
from stagent.lib.log import audit_log
from stagent.lib.names import free_copy

COPIED = (
    "project", "prompt", "profile", "kind", "timezone", "starts_at", "ends_at", "max_firings", "jitter_sec",
    "active_from", "active_until", "overlap_policy", "misfire_policy", "misfire_grace_sec", "max_retries",
    "retry_delay_sec", "retry_horizon_sec", "priority", "pool", "max_turns", "max_run_duration_sec",
    "max_cost_usd", "deliver_to_chat", "webhook_url", "email",
)  # fmt: skip


class Unmoved(Exception):
    """The schedule is not in a state in which the verb means anything; the message says which."""


def pause(schedule: Schedule, user: AbstractBaseUser, now: datetime) -> str:
    """Pause an active schedule."""
    with transaction.atomic():
        if not pause_active(schedule.pk, now=now, reason=f"Paused by {user.get_username()}."):
            raise Unmoved(f"“{schedule}” is not active, so it cannot be paused.")
        audit_log.record(user, schedule, audit_log.CHANGE, "Paused.")
    return f"“{schedule}” is paused. Runs that are under way go on."


def resume(schedule: Schedule, user: AbstractBaseUser, now: datetime) -> str:
    """Let a paused schedule go on from now."""
    with transaction.atomic():
        if not resume_paused(schedule.pk, now=now):
            raise Unmoved(f"“{schedule}” is not paused, so it cannot be resumed.")
        audit_log.record(user, schedule, audit_log.CHANGE, "Resumed.")
    return f"“{schedule}” is active again, its streaks are forgiven."


def reset(schedule: Schedule, user: AbstractBaseUser, now: datetime) -> str:
    """Forget the failures so far."""
    with transaction.atomic():
        forgive(schedule.pk)
        audit_log.record(user, schedule, audit_log.CHANGE, "Reset its streaks.")
    return f"The streaks of “{schedule}” begin anew."


def run(schedule: Schedule, user: AbstractBaseUser, now: datetime, click: str = "", **how: Any) -> Started:
    """Run a schedule now; `click` is the key of the form, the same in both halves of a double click.

    `run_now` says what `how` may be and what is raised when it cannot.
    """
    key = run_now.key_of_page(click[:100], schedule, user, now)
    started = run_now.execute(schedule, user=user, now=now, idempotency_key=key, **how)
    if not started.repeated and not started.run.forced:  # a forced run is in the log already
        verb = "Queued" if started.queued else "Started"
        audit_log.record(user, schedule, audit_log.CHANGE, f"{verb} run {started.run.pk}.")
    return started


def duplicate(schedule: Schedule, user: AbstractBaseUser, now: datetime) -> Schedule:
    """Make a copy that is paused, so that nothing fires twice before it was looked at."""
    values = {name: getattr(schedule, name) for name in COPIED}
    paused = {"status": ScheduleStatus.PAUSED, "paused_reason": "A copy: resume it when it is ready."}
    copies = set(Schedule.objects.filter(name__endswith=")").values_list("name", flat=True))
    naming = {"name": free_copy(schedule.name, "copy", NAME_CHARS, copies), "owner": user}
    with transaction.atomic():
        copy = edit_schedule.save(Schedule(), values | paused | naming | _timing(schedule), now=now)
        audit_log.record(user, copy, audit_log.ADDITION, f"Copied from {schedule.name}.")
    return copy


def _timing(schedule: Schedule) -> dict[str, Any]:
    if schedule.at:
        return {"at": schedule.at}
    return when_text.read(when_text.show(schedule), schedule.timezone)
