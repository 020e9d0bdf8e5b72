"""Starts, cancels and retries runs for an actor; shared by the API and the agents' tools."""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from schedules.models import Run
from schedules.models.schedule import LONGEST_REASON
from schedules.services import cancel_run, lookups, run_now
from schedules.services.actor import Actor
from schedules.services.cancel_run import Cancelled
from schedules.services.run_now import Started
from stagent.lib.log import audit_log
from stagent.lib.problems import clean_input


@dataclass(frozen=True)
class RunRequest:
    """How to run a schedule now."""

    queue: bool = False
    force: bool = False
    reason: str = ""
    idempotency_key: str = ""


def start(schedule_id: str, wanted: RunRequest, actor: Actor, now: datetime) -> Started:
    """Run a schedule now, or queue a run. `force` needs the permission force_run."""
    actor.must_have("run_schedule")
    if wanted.force:
        actor.must_have("force_run")
    schedule = lookups.schedule(schedule_id)
    try:
        started = run_now.execute(schedule, user=actor.user, now=now, **vars(wanted))
    except IntegrityError:
        lookups.schedule(schedule_id)  # it may have been deleted this very moment: a 404, no fault
        raise
    if not started.repeated and not started.run.forced:  # a forced run is in the log already
        verb = "Queued" if started.queued else "Started"
        actor.log(schedule, audit_log.CHANGE, f"{verb} run {started.run.pk}.")
    return started


def cancel(run_id: str, reason: str, actor: Actor, now: datetime) -> Cancelled:
    """Cancel a queued run at once; request that a running one stops."""
    actor.must_have("change_run")
    run, reason = lookups.run(run_id), clean_input("reason", reason, LONGEST_REASON)
    with transaction.atomic():
        became = cancel_run.cancel(run.pk, reason=reason or f"Cancelled by {actor}.", now=now)
        actor.log(run, audit_log.CHANGE, f"Cancelled. {reason}".strip())
    return became


def retry(run_id: str, actor: Actor, now: datetime) -> Run:
    """Queue the work of a finished run again."""
    actor.must_have("run_schedule")
    run = lookups.run(run_id)
    again = run_now.retry(run, user=actor.user, now=now)
    actor.log(run, audit_log.CHANGE, f"Queued again as run {again.pk}.")
    return again
