"""Stopping a run on a person's word, wherever it is: the admin, the API and the chat all ask here."""

from datetime import datetime
from enum import Enum

from django.db import transaction

from schedules.errors import NotAllowed
from schedules.transitions import request_cancel, withdraw
from stagent.lib import wakeup

TRIES = 3  # it may be claimed, or queued again, between the two questions


class Cancelled(Enum):
    """What became of the wish."""

    AT_ONCE = "at once"  # it was queued
    ASKED = "asked"  # it was running: its holder stops it within a second


def cancel(run_id: int, *, reason: str, now: datetime) -> Cancelled:
    """Withdraw a queued run, or ask the holder of a running one to stop; `NotAllowed` when it has ended."""
    for _ in range(TRIES):
        with transaction.atomic():
            if withdraw(run_id, now=now, reason=reason):
                wakeup.notify()
                return Cancelled.AT_ONCE
            if request_cancel(run_id, reason=reason, now=now):
                wakeup.notify()
                return Cancelled.ASKED
    raise NotAllowed("run_finished", "The run has ended; there is nothing to cancel.")
