"""Cancels a run in any state; shared by admin, API and chat."""

from datetime import datetime
from enum import Enum

from django.db import transaction

from schedules.errors import NotAllowed
from schedules.transitions import request_cancel, withdraw
from stagent.lib import wakeup

TRIES = 3  # it may be claimed, or queued again, between the two questions


class Cancelled(Enum):
    """The result of a cancellation."""

    AT_ONCE = "at once"  # it was queued
    ASKED = "asked"  # it was running: its holder stops it within a second


def cancel(run_id: int, *, reason: str, now: datetime) -> Cancelled:
    """Cancel a queued run, or request that a running one stops. Raises `NotAllowed` if it has ended."""
    for _ in range(TRIES):
        with transaction.atomic():
            if withdraw(run_id, now=now, reason=reason):
                wakeup.notify()
                return Cancelled.AT_ONCE
            if request_cancel(run_id, reason=reason, now=now):
                wakeup.notify()
                return Cancelled.ASKED
    raise NotAllowed("run_finished", "The run has already ended.")
