"""Queued to running: the one door to work, which the drain and the run-now request both walk through."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from agents import activity
from agents.models import Transcript
from schedules.conf import Conf
from schedules.errors import Quicker
from schedules.models import Firing, Run, Slot
from schedules.models.run import UNADOPTED
from schedules.models.slot import DEFAULT_POOL, OVERFLOW_POOL
from schedules.states import RunStatus
from schedules.transitions import slots


@dataclass(frozen=True)
class Claim:
    """The right to work on a run: whoever shows the token is its holder."""

    run_id: int
    transcript_id: int
    token: uuid.UUID


def claim(run: Run, *, holder: str, now: datetime, conf: Conf, ttl: timedelta | None = None) -> Claim:
    """Take a slot, then the run if it is still queued, under a lease of `ttl`, in one transaction.

    `NoRoom` when no slot is free, `Quicker` when somebody else got the slot or the run.
    """
    claimed = Claim(run.pk, run.transcript_id, uuid.uuid4())
    with transaction.atomic(savepoint=False):  # the caller's transaction where there is one: all or nothing
        place = slots.take(run, conf)
        _take_run(run, claimed, holder, place, now, now + (ttl or conf.lease_ttl), conf)
        Transcript.objects.filter(pk=run.transcript_id).update(writer_token=claimed.token)
        _measure(run, now)
    return claimed


def _take_run(
    run: Run, claimed: Claim, holder: str, place: Slot, now: datetime, until: datetime, conf: Conf
) -> None:
    longest = timedelta(seconds=run.max_run_duration_sec or conf.max_run_duration_sec)
    changed = Run.objects.filter(pk=run.pk, status=RunStatus.QUEUED, cancel_requested_at=None).update(
        status=RunStatus.RUNNING,
        token=claimed.token,
        holder=holder,
        slot=str(place),
        slot_claimed_at=now,
        lease_expires_at=until,
        started_at=Coalesce("started_at", now),
        deadline_at=Coalesce("deadline_at", now + longest),
        attempt=F("attempt") + 1,
        not_before=None,
    )
    if changed != 1:
        raise Quicker(f"run {run.pk}")


def _measure(run: Run, now: datetime) -> None:
    """Write what the slot cost in waiting and who else was at work, at the first claim."""
    if run.firing_id is None or run.started_at is not None:
        return
    Firing.objects.filter(pk=run.firing_id).update(
        slot_claimed_at=now,
        slot_wait_ms=max(0, round((now - run.queued_at).total_seconds() * 1000)),
        chat_streams_active=activity.count_live(now),
        concurrent_runs=Slot.objects.held().filter(Q(pool=DEFAULT_POOL) | Q(pool=OVERFLOW_POOL)).count(),
    )


def adopt(run: Run, *, holder: str, now: datetime, conf: Conf) -> Claim | None:
    """Take over a run that a request claimed: compare-and-set on its token, which changes."""
    claimed = Claim(run.pk, run.transcript_id, uuid.uuid4())
    with transaction.atomic():
        changed = Run.objects.filter(
            pk=run.pk, status=RunStatus.RUNNING, holder=UNADOPTED, token=run.token, lease_expires_at__gt=now
        ).update(holder=holder, token=claimed.token, lease_expires_at=now + conf.lease_ttl)
        if changed != 1:
            return None
        Transcript.objects.filter(pk=run.transcript_id).update(writer_token=claimed.token)
    return claimed
