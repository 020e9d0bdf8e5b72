"""Notes on the side, such as when a token was last used: made after the answer, best-effort.

No request, run or reply fails or waits because such a note could not be written.
"""

import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.core.signals import request_finished, request_started
from django.db import transaction

from stagent.lib.processes.outage import Outage

log = logging.getLogger(__name__)

_outage = Outage(log, "Writing notes on the side, such as when a token was last used,")
_notes: "ContextVar[list[Callable[[], object]] | None]" = ContextVar("side_notes", default=None)


def after_answer(note: Callable[[], object]) -> None:
    """Make a note once the answer to the present request is out; outside of requests, at once."""
    notes = _notes.get()
    if notes is None:
        best_effort(note)
    else:
        notes.append(note)


def best_effort(note: Callable[[], object]) -> bool:
    """Make a note in a transaction of its own, or of its own within another; tell whether it was made."""
    try:
        with transaction.atomic():
            note()
    except Exception as error:  # noqa: BLE001 - told by `failed`
        _outage.failed(error)
        return False
    _outage.worked()
    return True


def _begin(**_: Any) -> None:
    _notes.set([])


def _end(**_: Any) -> None:
    notes = _notes.get()
    _notes.set(None)
    for note in notes or ():
        best_effort(note)


# In this order with others that listen: whoever closes the connections of a request comes later.
request_started.connect(_begin, dispatch_uid="side notes begin")
request_finished.connect(_end, dispatch_uid="side notes end")
