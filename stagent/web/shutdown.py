"""What the web process does before it leaves: at interpreter exit it is too late to write anything."""

import sys
from collections.abc import Callable
from typing import Any


def on_shutdown(function: Callable[[], None]) -> None:
    """Call this when daphne is told to stop, and wait for it; the sockets are served meanwhile.

    Without daphne's reactor there is nobody to tell us; then others settle what is left.
    """
    if "twisted.internet.reactor" not in sys.modules:
        return
    from twisted.internet.threads import deferToThread

    reactor: Any = sys.modules["twisted.internet.reactor"]
    reactor.addSystemEventTrigger("before", "shutdown", deferToThread, function)
