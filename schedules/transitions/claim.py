"""Queued to running: takes a slot and the run under a lease. `dispatch.admission` calls it."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from agents.live_streams import count_live
from schedules import cluster_handoff
from schedules.conf import Conf
from schedules.errors import LostRace
from schedules.models import Run
from schedules.models.run import UNADOPTED
from schedules.states import RunStatus
from schedules.transitions import prepared_sql, slots
from schedules.transitions.slots import SlotChoice


@dataclass(frozen=True)
class Claim:
    """The right to work on a run; the token proves it."""

    run_id: int
    transcript_id: int
    token: uuid.UUID


def claim(
    run: Run,
    *,
    holder: str,
    now: datetime,
    conf: Conf,
    ttl: timedelta | None = None,
    live_streams: int | None = None,
) -> Claim:
    """Take a slot and the queued run under a lease of `ttl`, in one transaction.

    Raises `NoCapacity` if no slot is free, `LostRace` if another process took the slot or the run.
    `live_streams`, if counted, is stored with the firing. A run claimed as `UNADOPTED` is handed to a worker
    in the same transaction, if there are workers.
    """
    claimed = Claim(run.pk, run.transcript_id, uuid.uuid4())
    with transaction.atomic(savepoint=False):  # the caller's transaction where there is one: all or nothing
        place = slots.take(run, conf)
        changed = prepared_sql.TAKE_RUN(
            run_id=run.pk,
            token=claimed.token,
            holder=holder,
            slot=str(place.slot),
            now=now,
            until=now + (ttl or conf.lease_ttl),
            deadline=now + run.time_left(conf.max_run_duration_sec),
        )
        if changed != 1:
            raise LostRace(f"run {run.pk}")
        prepared_sql.SET_WRITER(transcript_id=claimed.transcript_id, token=claimed.token)
        _measure(run, now, place, live_streams)
        if holder == UNADOPTED:
            cluster_handoff.defer_wakeup(run.pk, claimed.token, run.pool)
    return claimed


def _measure(run: Run, now: datetime, place: SlotChoice, live_streams: int | None) -> None:
    """Write the slot wait and the load at the first claim."""
    if run.firing_id is None or run.started_at is not None:
        return
    prepared_sql.MEASURE_START(
        firing_id=run.firing_id,
        now=now,
        slot_wait_ms=max(0, round((now - run.queued_at).total_seconds() * 1000)),
        chat_streams_active=count_live(now) if live_streams is None else live_streams,
        concurrent_runs=place.held + 1,
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
        prepared_sql.SET_WRITER(transcript_id=claimed.transcript_id, token=claimed.token)
    return claimed
