"""Best-effort writes after the response, such as when a token was last used.

No request, run or reply fails or waits because of such a write.
"""

import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.core.signals import request_finished, request_started
from django.db import transaction

from stagent.lib.processes.outage import Outage

log = logging.getLogger(__name__)

_outage = Outage(log, "A deferred write, such as when a token was last used,")
_writes: "ContextVar[list[Callable[[], object]] | None]" = ContextVar("deferred_writes", default=None)


def after_response(write: Callable[[], object]) -> None:
    """Run a write after the response of the current request; outside a request, at once."""
    pending = _writes.get()
    if pending is None:
        try_write(write)
    else:
        pending.append(write)


def try_write(write: Callable[[], object]) -> bool:
    """Run a write in its own transaction or savepoint; return whether it succeeded."""
    try:
        with transaction.atomic():
            write()
    except Exception as error:  # noqa: BLE001 - logged by `failed`
        _outage.failed(error)
        return False
    _outage.worked()
    return True


def _on_request_started(**_: Any) -> None:
    _writes.set([])


def _on_request_finished(**_: Any) -> None:
    pending = _writes.get()
    _writes.set(None)
    for write in pending or ():
        try_write(write)


# Connected before Django's own receiver, which closes the connections of the request.
request_started.connect(_on_request_started, dispatch_uid="deferred writes begin")
request_finished.connect(_on_request_finished, dispatch_uid="deferred writes end")
