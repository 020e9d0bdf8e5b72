"""The signals of the agents app, sent after the commit."""

import logging
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal

approval_requested = Signal()  # question
approval_answered = Signal()  # question: allowed, denied, answered, expired or withdrawn

log = logging.getLogger(__name__)


def announce(signal: Signal, **facts: Any) -> None:
    """Send the signal after the commit; a receiver's error is logged and affects nothing."""
    transaction.on_commit(partial(_send, signal, facts), robust=True)


def _send(signal: Signal, facts: dict[str, Any]) -> None:
    for listener, answer in signal.send_robust(sender=None, **facts):
        if isinstance(answer, Exception):
            log.error("Listener %r failed: %r", listener, answer)
