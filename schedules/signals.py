"""The signals of the scheduler, sent after the commit."""

import logging
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal

run_finished = Signal()  # run
schedule_paused_itself = Signal()  # schedule
schedule_warned = Signal()  # schedule, text
deliver_to_chat = Signal()  # delivery; not announced but sent: a listener that fails is asked again

log = logging.getLogger(__name__)


def announce(signal: Signal, **facts: Any) -> None:
    """Send the signal after the commit; a receiver's error is logged and affects nothing."""
    transaction.on_commit(partial(_send, signal, facts), robust=True)


def _send(signal: Signal, facts: dict[str, Any]) -> None:
    for listener, answer in signal.send_robust(sender=None, **facts):
        if isinstance(answer, Exception):
            log.error("Listener %r failed: %r", listener, answer)
