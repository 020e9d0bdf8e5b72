"""Shutdown of the web process: at interpreter exit it is too late to write."""

import sys
from collections.abc import Callable
from typing import Any


def on_shutdown(function: Callable[[], None]) -> None:
    """Call this when daphne stops, and wait for it; sockets are served meanwhile.

    Without daphne's reactor it is not called, and another process finishes the rest.
    """
    if "twisted.internet.reactor" not in sys.modules:
        return
    from twisted.internet.threads import deferToThread

    reactor: Any = sys.modules["twisted.internet.reactor"]
    reactor.addSystemEventTrigger("before", "shutdown", deferToThread, function)
