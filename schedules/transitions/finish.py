"""Arrows out of `running`: finish, requeue, release; and out of `queued` without having run.

The event log's writer token is revoked first. Usage is then added up from log and ledger; if the worker is
gone, the result comes from the log too.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import F, Q

from agents.errors import LeaseLost
from agents.failure_policies import policy
from agents.spending import totals
from agents.states import FailureKind
from schedules.deliveries import outbox
from schedules.models import Firing, Run, Schedule
from schedules.models.firing import LONGEST_OUTCOME
from schedules.models.run import LONGEST_DETAIL
from schedules.models.schedule import LONGEST_REASON
from schedules.signals import announce, run_finished
from schedules.states import FINISHED, Outcome, RunStatus
from schedules.transitions import prepared_sql, slots, streaks
from schedules.transitions.enqueue import requeue_order
from schedules.transitions.run_ending import (
    Ending,
    close,
    ends_at,
    measure,
    record_usage,
    revoke_and_charge,
    revoke_writer_token,
)
from stagent.lib import wakeup
from stagent.lib.text import clip

FULL_DISK_DELAY = timedelta(minutes=1)  # before a run is tried again on a full disk

log = logging.getLogger(__name__)


def finish(run_id: int, token: UUID, ending: Ending, *, now: datetime, condition: Q | None = None) -> Run:
    """End a running run, free its slots, and write its metrics and streaks, in one transaction.

    Raises `LeaseLost` if the token was replaced or `condition` no longer holds; then nothing is written.
    """
    if ending.status not in FINISHED:
        raise ValueError(f"A running run cannot end as {ending.status}.")
    try:
        return _finish(run_id, token, ending, now, condition, _update_schedule)
    except (LeaseLost, DatabaseError):
        raise
    except Exception:
        log.exception(
            "Run %s ended, but its deliveries or streaks could not be written.",
            run_id,
        )
        return _finish(run_id, token, ending, now, condition, _update_what_is_possible)


def _finish(
    run_id: int,
    token: UUID,
    ending: Ending,
    now: datetime,
    condition: Q | None,
    update_schedule: "UpdateSchedule",
) -> Run:
    with transaction.atomic():
        schedule = _lock_schedule(run_id)
        held = _lock(run_id, token, condition)
        ending = close(held, ending, now)
        if condition:  # its worker may have written since this pass began
            now = ends_at(held, now)
        run = _end(run_id, token, ending, now)
        slots.release(run_id)
        measure(run, ending, now)
        if schedule:
            update_schedule(run, schedule, now)
        wakeup.notify()
    announce(run_finished, run=run)
    return run


def _lock(run_id: int, token: UUID, condition: Q | None) -> Run:
    """Lock a running run. Raises `LeaseLost` if the token was replaced or `condition` no longer holds."""
    run = prepared_sql.LOCK_RUN.first(run_id=run_id, token=token)
    if run is None or (condition and not Run.objects.filter(condition, pk=run_id).exists()):
        raise LeaseLost(f"run {run_id}")
    return run


def _end(run_id: int, token: UUID, ending: Ending, now: datetime) -> Run:
    """Write ending and usage into the run; return the updated row."""
    ended = prepared_sql.END.rows(
        run_id=run_id,
        token=token,
        status=ending.status,
        failure_reason=ending.failure_reason,
        failure_kind=ending.failure_kind or "",
        worked_ms=ending.worked_ms,
        failure_detail=clip(ending.detail, LONGEST_DETAIL),
        result=ending.result,
        result_partial=ending.partial,
        report=ending.report,
        now=now,
    )
    if len(ended) != 1:
        raise LeaseLost(f"run {run_id}")
    return ended[0]


def _lock_schedule(run_id: int) -> Schedule | None:
    """Lock the schedule, whose streaks are written, before the run, in the order of the tick and of a
    removal: no deadlock.
    """
    return prepared_sql.SCHEDULE_OF_RUN.first(run_id=run_id)


def _update_schedule(run: Run, schedule: Schedule, now: datetime) -> None:
    outbox.post(run, schedule, now)  # deliveries first, then the schedule's streaks
    streaks.update(run, schedule, now=now)


def _update_what_is_possible(run: Run, schedule: Schedule, now: datetime) -> None:
    """Write deliveries and streaks separately; one that fails is left out."""
    writes = (partial(outbox.post, run, schedule, now), partial(streaks.update, run, schedule, now=now))
    for write in writes:
        with suppress(Exception), transaction.atomic():
            write()


type UpdateSchedule = Callable[[Run, Schedule, datetime], None]


def requeue(
    run_id: int,
    token: UUID,
    *,
    now: datetime,
    not_before: datetime | None = None,
    condition: Q | None = None,
    columns: dict[str, Any] | None = None,
    **counted: int,
) -> None:
    """Put a running run back into the queue and free its slots; `counted` adds to its counters.

    `columns` are written too. It resumes from its transcript at the turn it had reached. Raises `LeaseLost`
    as `finish` does.
    """
    with transaction.atomic():
        run = _lock(run_id, token, condition)
        revoke_and_charge(run, now)
        Run.objects.filter(pk=run_id).update(
            status=RunStatus.QUEUED,
            not_before=not_before,
            claim_order=requeue_order(run),
            **_held_nothing(),
            slot_claimed_at=None,
            deadline_at=None,
            **totals.run_totals(),
            **(columns or {}),
            **{column: F(column) + amount for column, amount in counted.items()},
        )
        slots.release(run_id)
        wakeup.notify()


def release(run_id: int, token: UUID, *, now: datetime, condition: Q | None = None) -> None:
    """Requeue a running run and free its slots if the database is full: updates only.

    Its usage is charged and its answer delivered when it ends. Raises `LeaseLost` as `finish` does.
    """
    with transaction.atomic():
        run = _lock(run_id, token, condition)
        revoke_writer_token(run)
        Run.objects.filter(pk=run_id).update(
            status=RunStatus.QUEUED,
            not_before=now + FULL_DISK_DELAY,
            **_held_nothing(),
            slot_claimed_at=None,
            deadline_at=None,
        )
        slots.release(run_id)


def cancel_queued(run_id: int, *, now: datetime, reason: str, outcome: Outcome | None = None) -> bool:
    """Cancel a queued run; `outcome` is written to its firing."""
    with transaction.atomic():
        changed = (
            Run.objects.queued()
            .filter(pk=run_id)
            .update(
                status=RunStatus.CANCELLED,
                finished_at=now,
                cancel_requested_at=now,
                cancel_reason=clip(reason, LONGEST_REASON),
            )
        )
        if not changed:
            return False
        run = record_usage(run_id)
        measure(run, Ending(RunStatus.CANCELLED), now)
        if outcome:
            Firing.objects.filter(run=run_id).update(outcome=outcome, reason=clip(reason, LONGEST_OUTCOME))
    announce(run_finished, run=run)
    return True


def fail_queued(run_id: int, *, now: datetime, kind: FailureKind, detail: str) -> bool:
    """Fail a run that waited in the queue beyond its limit."""
    reason = policy(kind).reason
    with transaction.atomic():
        schedule = _lock_schedule(run_id)
        changed = (
            Run.objects.queued()
            .filter(pk=run_id)
            .update(
                status=RunStatus.FAILED,
                failure_reason=reason,
                failure_kind=kind,
                failure_detail=clip(detail, LONGEST_DETAIL),
                finished_at=now,
            )
        )
        if not changed:
            return False
        run = record_usage(run_id)
        measure(run, Ending(RunStatus.FAILED, kind=kind), now)
        if schedule:
            _update_schedule(run, schedule, now)
    announce(run_finished, run=run)
    return True


def _held_nothing() -> dict[str, Any]:
    return {"token": None, "slot": "", "lease_expires_at": None}
