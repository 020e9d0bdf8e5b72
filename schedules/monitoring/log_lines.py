"""Writes a log line for each signal of this app, with the ids to look up."""

import logging
from typing import Any

from agents.models import Approval
from agents.signals import approval_requested
from schedules.models import Run, Schedule
from schedules.signals import run_finished, schedule_paused_itself, schedule_warned
from schedules.states import RunStatus
from stagent.lib.text import shorten
from stagent.lib.web.formatting import money

log = logging.getLogger(__name__)

LONGEST = 200  # characters of a model's words on one line


def connect() -> None:
    """Connect the receivers. Idempotent."""
    run_finished.connect(log_end)
    schedule_paused_itself.connect(log_self_pause)
    schedule_warned.connect(log_warning)
    approval_requested.connect(log_approval_request)


def log_end(*, run: Run, **_: Any) -> None:
    level = logging.WARNING if run.status == RunStatus.FAILED else logging.INFO
    if log.isEnabledFor(level):
        log.log(level, "Run %s of %s %s%s: %s.", run.pk, _of(run), run.status, _why(run), _spent(run))


def log_self_pause(*, schedule: Schedule, **_: Any) -> None:
    log.warning("%s: %s", _named(schedule), schedule.paused_reason)


def log_warning(*, schedule: Schedule, text: str, **_: Any) -> None:
    log.warning("%s: %s", _named(schedule), text)


def log_approval_request(*, approval: Approval, **_: Any) -> None:
    if approval.run_id is not None:
        asked = shorten(approval.text, LONGEST)
        log.info("Run %s asks a person (question %s): %s", approval.run_id, approval.pk, asked)


def _named(schedule: Schedule) -> str:
    return f"Schedule {schedule.pk} ({schedule.name})"


def _of(run: Run) -> str:
    number = f"schedule {run.schedule_id}" if run.schedule_id else "a deleted schedule"
    return f"{number} ({run.schedule_name})"


def _why(run: Run) -> str:
    """Return the reason and its detail."""
    return "".join(f", {why.rstrip('.')}" for why in (run.failure_reason, run.failure_detail) if why)


def _spent(run: Run) -> str:
    took = f", {run.worked_ms / 1000:.1f} s" if run.started_at else ""
    cost = money(run.cost_usd, run.unpriced_turns, digits=4)
    return f"attempt {run.attempt}, {run.turn_count} steps{took}, {cost}"
