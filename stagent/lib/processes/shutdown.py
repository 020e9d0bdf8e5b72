"""Leaving in order: one list of steps for each process, none of which keeps the next from being done."""

import logging
import time
from collections.abc import Callable, Sequence

SLOW_SEC = 3.0

log = logging.getLogger(__name__)

type Step = tuple[str, Callable[[], object]]


def close_in_order(steps: Sequence[Step]) -> bool:
    """Do each step, whatever becomes of those before it; tell whether all went well.

    The order is always: stop accepting, stop claiming, settle what is under way, write out the event log,
    end the threads, close the connections.
    """
    well = True
    for name, step in steps:
        began = time.monotonic()
        try:
            step()
        except Exception as error:  # noqa: BLE001 - whatever it is, leaving goes on
            log.warning("Shutdown: could not %s (%s: %s).", name, type(error).__name__, error)
            well = False
        if (took := time.monotonic() - began) > SLOW_SEC:
            log.info("Shutdown: it took %.1f s to %s.", took, name)
    return well
