"""The reaper: ends or requeues runs with expired leases, overdue runs, and expired approvals.

Idempotent and safe on any node; an error in one row or part does not stop the sweep.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial

from django.db import OperationalError, transaction
from django.db.models import Q

from agents import live_streams
from agents.engine.outcome_from_log import load_outcome
from agents.errors import LeaseLost
from agents.runtimes import breaker
from agents.runtimes.failure_classifier import describe
from agents.states import FailureKind
from schedules import conf
from schedules.dispatch import waiting_runs
from schedules.models import Firing, Run
from schedules.models.firing import BY_RHYTHM
from schedules.models.run import UNADOPTED, RunQuerySet
from schedules.monitoring import notices
from schedules.states import Outcome, RunStatus
from schedules.transitions import Ending, fail_queued, finish, release, requeue, unpark, withdraw
from stagent.lib.database_errors import is_disk_full
from stagent.lib.processes.outage import IsolatedSteps, Outages

MAX_LOST = 2  # lost workers after which a run fails
DEADLINE_GRACE_SEC = 10  # and one lease: for the holder to end an overdue run itself

log = logging.getLogger(__name__)
_outages = Outages(log)


class NotReaped(Exception):
    """The row stays as it is."""


def reap(now: datetime) -> int:
    """Reap every row that needs it; return how many were reaped.

    Each part and each row separately: an error is logged once and stops no other. Raises the first error of
    an unavailable database.
    """
    steps, overdue = (
        IsolatedSteps(_outages),
        now - conf.load().lease_ttl - timedelta(seconds=DEADLINE_GRACE_SEC),
    )
    running, queued, waiting = Run.objects.running(), Run.objects.queued(), Run.objects.waiting()
    sweeps = (
        ("lapsed leases", running.filter(lease_expires_at__lte=now), _reap_lapsed),
        ("overdue runs", running.filter(deadline_at__lte=overdue), _reap_overdue),
        ("cancelled runs", queued.exclude(cancel_requested_at=None), _reap_cancelled),
        ("runs that expired", queued.filter(expires_at__lte=now, started_at=None), _reap_expired),
        ("retries that expired", queued.filter(retry_until__lte=now), _reap_expired_retry),
        ("cancelled questions", waiting.exclude(cancel_requested_at=None), _reap_cancelled),
        ("answered questions", waiting.answered(), _reap_answered),
    )
    steps.run("Reaping the live streams of holders that are gone", partial(live_streams.sweep, now), 0)
    steps.run("Reaping open questions", partial(waiting_runs.expire_approvals, now), None)
    reaped = sum(_sweep(steps, what, runs, reap_run, now) for what, runs, reap_run in sweeps)
    steps.raise_first_error()
    return reaped


def _sweep(
    steps: IsolatedSteps,
    what: str,
    runs: RunQuerySet,
    reap_run: Callable[[Run, datetime], None],
    now: datetime,
) -> int:
    found: list[Run] = steps.run(f"Reaping {what}", partial(list, runs.select_related("profile")), [])
    return sum(steps.run(f"Reaping run {run.pk}", partial(_reap, reap_run, run, now), 0) for run in found)


def _reap(reap_run: Callable[[Run, datetime], None], run: Run, now: datetime) -> int:
    with suppress(LeaseLost, NotReaped):  # its holder or another reaper was first
        reap_run(run, now)
        return 1
    return 0


def _reap_lapsed(run: Run, now: datetime) -> None:
    """Reap a run whose holder is gone; on a full disk at least free its slot."""
    with _slot_freed(run, now, Q(lease_expires_at__lte=now)):
        _reap_vanished(run, now)


@contextmanager
def _slot_freed(run: Run, now: datetime, condition: Q | None = None) -> Iterator[None]:
    """Free the slot of a run that cannot be written because the disk is full."""
    assert run.token is not None
    try:
        yield
    except OperationalError as error:
        if is_disk_full(error):
            release(run.pk, run.token, now=now, condition=condition)
        raise


def _reap_vanished(run: Run, now: datetime) -> None:
    """Requeue a run whose holder is gone, or end it: cancelled if that was requested, completed if its log
    has the answer, failed if its time is used up or it lost too many workers.
    """
    assert run.token is not None
    still_lapsed = Q(lease_expires_at__lte=now)
    if run.cancel_requested_at:
        finish(
            run.pk,
            run.token,
            Ending(RunStatus.CANCELLED, detail=run.cancel_reason),
            now=now,
            condition=still_lapsed,
        )
    elif finished := load_outcome(run.transcript_id).finished:
        finish(run.pk, run.token, Ending.of(finished), now=now, condition=still_lapsed)
    elif not run.time_left(conf.load().max_run_duration_sec):
        finish(run.pk, run.token, _overdue(), now=now, condition=still_lapsed)
    elif run.holder == UNADOPTED:
        requeue(run.pk, run.token, now=now, condition=still_lapsed, attempt=-1)
    elif run.lost_count < MAX_LOST:
        requeue(run.pk, run.token, now=now, condition=still_lapsed, lost_count=1)
        log.warning("Run %s lost its worker %s; it is queued again.", run.pk, run.holder)
    else:
        detail = (
            f"{run.lost_count + 1} workers stopped responding while they ran it, the last one {run.holder}."
        )
        finish(
            run.pk,
            run.token,
            Ending(RunStatus.FAILED, kind=FailureKind.WORKER_LOST, detail=detail),
            now=now,
            condition=still_lapsed,
        )


def _reap_overdue(run: Run, now: datetime) -> None:
    """End a run whose holder renews its lease but does not end it. Its late writes are refused."""
    assert run.token is not None
    with _slot_freed(run, now):
        finish(run.pk, run.token, _overdue(), now=now)


def _overdue() -> Ending:
    return Ending(RunStatus.FAILED, kind=FailureKind.TIME_LIMIT, detail=describe(FailureKind.TIME_LIMIT))


def _reap_cancelled(run: Run, now: datetime) -> None:
    """Cancel a run whose cancellation was requested while its worker was requeueing it."""
    withdraw(run.pk, now=now, reason=run.cancel_reason)


def _reap_answered(run: Run, now: datetime) -> None:
    """Requeue a parked run whose approvals are resolved, if the signal was lost."""
    unpark(run.pk, now=now)


def _reap_expired(run: Run, now: datetime) -> None:
    minutes = round((now - run.queued_at) / timedelta(minutes=1))
    reason = f"It was still queued at {now:%H:%M} UTC, {minutes} minutes after it was queued."
    once = run.source in BY_RHYTHM and run.schedule is not None and run.schedule.at is not None
    outcome = Outcome.MISSED if once else Outcome.EXPIRED_IN_QUEUE
    with transaction.atomic():
        if withdraw(run.pk, now=now, reason=reason, outcome=outcome) and once and run.firing_id:
            notices.notify_missed_one_shot(Firing.objects.get(pk=run.firing_id), now)


def _reap_expired_retry(run: Run, now: datetime) -> None:
    """Fail a run whose provider's breaker is still open when its retry horizon has passed."""
    if breaker.provider_of(run.profile) not in breaker.unavailable_names(now):
        raise NotReaped  # it waits for a slot only: its next attempt decides
    assert run.retry_until is not None
    over = f"Its provider could not be asked again by {run.retry_until:%Y-%m-%d %H:%M} UTC."
    kind = FailureKind(run.retry_kind or FailureKind.UNREACHABLE)
    fail_queued(run.pk, now=now, kind=kind, detail=f"{over} {run.retry_detail}".strip())
