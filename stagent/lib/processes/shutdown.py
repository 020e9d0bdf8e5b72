"""Orderly shutdown: a list of steps for each process; a failed step does not stop the next."""

import logging
import time
from collections.abc import Callable, Sequence

SLOW_SEC = 3.0

log = logging.getLogger(__name__)

type Step = tuple[str, Callable[[], object]]


def close_in_order(steps: Sequence[Step]) -> bool:
    """Run each step, even after a failed one; return whether all succeeded.

    The order is always: stop accepting, stop claiming, finish the work in progress, flush the event log, end
    the threads, close the connections.
    """
    succeeded = True
    for name, step in steps:
        started_at = time.monotonic()
        try:
            step()
        except Exception as error:  # noqa: BLE001 - the shutdown continues
            log.warning("Shutdown: could not %s (%s: %s).", name, type(error).__name__, error)
            succeeded = False
        if (seconds := time.monotonic() - started_at) > SLOW_SEC:
            log.info("Shutdown: it took %.1f s to %s.", seconds, name)
    return succeeded
