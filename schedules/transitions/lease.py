"""A running run: its lease, its progress and requests to stop."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from agents.errors import LeaseLost
from agents.spending import totals
from schedules import cluster_handoff
from schedules.models import Run
from schedules.models.schedule import LONGEST_REASON
from schedules.states import RunStatus
from stagent.lib import wakeup
from stagent.lib.text import clip


def renew(tokens: Iterable[UUID], now: datetime, ttl: timedelta) -> set[UUID]:
    """Renew the leases of these tokens; return the tokens that are still valid.

    The token decides, not the clock: an expired lease that was not reaped can be renewed.
    """
    with transaction.atomic():
        held = Run.objects.running().filter(token__in=list(tokens))
        kept = {token for token in held.select_for_update().values_list("token", flat=True) if token}
        Run.objects.filter(token__in=kept).update(lease_expires_at=now + ttl)
    return kept


def progress(run_id: int, token: UUID, **worked: Any) -> None:
    """Write the progress of a run, which ends an outage of its provider.

    `worked` as in `record_work`. Raises `LeaseLost` if the token was replaced.
    """
    no_outage = {"provider_retries": 0, "retry_until": None, "retry_kind": "", "retry_detail": ""}
    _write(run_id, token, **totals.run_totals(), **no_outage, **worked)


def record_work(run_id: int, token: UUID, *, worked_ms: int, deadline_at: datetime) -> None:
    """Write the working time and the resulting deadline. Raises `LeaseLost` as `progress` does."""
    _write(run_id, token, worked_ms=worked_ms, deadline_at=deadline_at)


def _write(run_id: int, token: UUID, **columns: Any) -> None:
    if Run.objects.filter(pk=run_id, token=token).update(**columns) != 1:
        raise LeaseLost(f"run {run_id}")


def request_cancel(run_id: int, *, reason: str, now: datetime) -> bool:
    """Request that a running run stops; return False if it is not running. Idempotent."""
    asked = Run.objects.filter(pk=run_id, status=RunStatus.RUNNING)
    with transaction.atomic():
        if asked.filter(cancel_requested_at=None).update(
            cancel_requested_at=now, cancel_reason=clip(reason, LONGEST_REASON)
        ):
            cluster_handoff.abort(run_id)
        wakeup.notify()
    return asked.exists()
