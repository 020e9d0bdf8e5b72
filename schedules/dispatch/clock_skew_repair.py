"""Corrects moments that a wrong clock has stored too far in the future.

A lease, a wait or a heartbeat written by a clock 30 days ahead would otherwise be valid for 30 days.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from agents.models import Approval, LiveStream, Provider
from agents.runtimes import breaker
from schedules import conf
from schedules.deliveries import sender
from schedules.models import Delivery, ProcessHealth, Run, Schedule, Scheduler

SKEW = timedelta(minutes=1)  # between hosts whose clocks are kept in step
LONGEST_PATIENCE = timedelta(days=1)  # a provider that asks for more is asked again, and asks again

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bound:
    """How far ahead the moments of a column may be."""

    rows: QuerySet
    column: str
    ahead: timedelta

    def correct(self, now: datetime) -> int:
        """Set moments beyond the bound to now; return the number of rows."""
        wrong = self.rows.filter(**{f"{self.column}__gt": now + self.ahead})
        return wrong.update(**{self.column: now})


def correct_stored_moments(now: datetime) -> int:
    """Correct every column; return the number of rows. Idempotent, and safe beside renewals."""
    found = {
        f"{bound.rows.model.__name__}.{bound.column}": count
        for bound in _bounds()
        if (count := bound.correct(now))
    }
    if found:
        named = ", ".join(f"{name} in {count}" for name, count in found.items())
        log.warning("Moments that a wrong clock had stored in the future were set to now: %s rows.", named)
    return sum(found.values()) + _asked_in_the_future(now)


def _bounds() -> Iterator[Bound]:
    settings = conf.load()
    running, queued = Run.objects.running(), Run.objects.queued()
    yield Bound(running, "lease_expires_at", 2 * settings.lease_ttl + SKEW)
    yield Bound(queued, "not_before", LONGEST_PATIENCE)
    yield from (Bound(queued, name, SKEW) for name in ("queued_at", "due_at", "claim_order"))
    yield Bound(Run.objects.waiting(), "waiting_since", SKEW)
    yield Bound(Schedule.objects.active(), "deferred_until", settings.chat_max_delay + SKEW)
    yield Bound(Provider.objects.all(), "open_until", breaker.MAX_LONG_OPEN + SKEW)
    yield Bound(Provider.objects.all(), "probe_until", breaker.PROBE_TIMEOUT + SKEW)
    yield Bound(Provider.objects.all(), "blocked_until", LONGEST_PATIENCE)
    yield Bound(LiveStream.objects.all(), "expires_at", timedelta(hours=1))
    pending = Delivery.objects.filter(status=Delivery.Status.PENDING)
    yield Bound(pending, "next_attempt_at", sender.LONGEST_WAIT + SKEW)
    yield Bound(Scheduler.objects.all(), "seen_at", SKEW)
    yield Bound(ProcessHealth.objects.all(), "seen_at", SKEW)


def _asked_in_the_future(now: datetime) -> int:
    """Restart approvals requested in the future, with their full time to answer."""
    wrong = Approval.objects.open().filter(asked_at__gt=now + SKEW)
    return sum(
        Approval.objects.open()
        .filter(pk=approval.pk, asked_at=approval.asked_at)
        .update(asked_at=now, expires_at=now + (approval.expires_at - approval.asked_at))
        for approval in wrong
    )
