"""What the scheduler refuses, as the API says it; `stagent.api` installs these."""

from collections.abc import Callable
from typing import Any

from schedules.errors import CapacityFull, NoScheduler, NotAllowed
from stagent.lib.problems import Problem


def of_full_capacity(error: CapacityFull) -> Problem:
    """Say when a slot is expected, where in the queue one would stand and who runs."""
    more = {
        "slot_eta_sec": error.slot_eta_sec,
        "position": error.position,
        "blocking": [str(run_id) for run_id in error.blocking],
    }
    headers = {"Retry-After": str(error.slot_eta_sec)}
    return Problem(429, "capacity_full", str(error), headers=headers, more=more)


def of_no_scheduler(error: NoScheduler) -> Problem:
    return Problem(503, "no_scheduler", str(error))


def of_not_allowed(error: NotAllowed) -> Problem:
    return Problem(409, error.code, str(error))


PROBLEMS: dict[type[Exception], Callable[[Any], Problem]] = {
    CapacityFull: of_full_capacity,
    NoScheduler: of_no_scheduler,
    NotAllowed: of_not_allowed,
}
