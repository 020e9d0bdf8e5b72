"""Waiting for a state instead of sleeping."""

import threading
import time
from collections.abc import Callable

PATIENCE_SEC = 60.0  # the machine may be busy with other suites
GLANCE_SEC = 0.02


def wait_until[T](look: Callable[[], T | None], *, within: float = PATIENCE_SEC) -> T:
    """Return the first true thing that a look finds; fail when none is found in time."""
    glance = threading.Event()
    until = time.monotonic() + within
    while not (found := look()):
        if time.monotonic() > until:
            raise AssertionError(f"waited {within:.0f} s for {look.__qualname__}, and last saw {found!r}")
        glance.wait(GLANCE_SEC)
    return found
