"""Signals of the agents app, sent after the commit."""

import logging
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal

approval_requested = Signal()  # approval
approval_answered = Signal()  # approval: its status is no longer open

log = logging.getLogger(__name__)


def announce(signal: Signal, **payload: Any) -> None:
    """Send a signal after the commit; an error of a receiver is logged."""
    transaction.on_commit(partial(_send, signal, payload), robust=True)


def _send(signal: Signal, payload: dict[str, Any]) -> None:
    for receiver, result in signal.send_robust(sender=None, **payload):
        if isinstance(result, Exception):
            log.error("Signal receiver %r failed: %r", receiver, result)
