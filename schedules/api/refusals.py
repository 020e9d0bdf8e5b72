"""What the scheduler refuses, as the API says it; `stagent.api` installs these."""

from collections.abc import Callable
from typing import Any

from schedules.errors import Blocked, CapacityFull, NoScheduler, NotAllowed
from stagent.lib.problems import Problem

QUEUE = "?queue=true waits in the queue"
FORCE = "?force=true runs beyond the cap, which needs the permission schedules.force_run"


def of_full_capacity(error: CapacityFull) -> Problem:
    """Say when a slot is expected, where in the queue one would stand, who runs, and the two ways on."""
    more = {
        "slot_eta_sec": error.slot_eta_sec,
        "slot_eta_range_sec": list(error.expected.range_sec),
        "slot_eta_basis": error.expected.basis,
        "held": error.held,
        "cap": error.cap,
        "options": {"queue": QUEUE, "force": FORCE},
        "position": error.position,
        "blocking": [str(run_id) for run_id in error.blocking],
    }
    headers = {"Retry-After": str(error.slot_eta_sec)}
    text = f"{error} {QUEUE} as number {error.position}; {FORCE}."
    return Problem(429, "capacity_full", text, headers=headers, more=more)


def of_blocked(error: Blocked) -> Problem:
    """Say what blocks the run, until when as far as that is known, and the way on."""
    until = error.until.isoformat() if error.until else None
    more = {"wait_reason": error.wait_reason, "expected_at": until, "options": {"queue": QUEUE}}
    return Problem(409, error.code, f"{error} ({QUEUE}.)", more=more)


def of_no_scheduler(error: NoScheduler) -> Problem:
    return Problem(503, "no_scheduler", str(error))


def of_not_allowed(error: NotAllowed) -> Problem:
    return Problem(409, error.code, str(error))


PROBLEMS: dict[type[Exception], Callable[[Any], Problem]] = {
    Blocked: of_blocked,
    CapacityFull: of_full_capacity,
    NoScheduler: of_no_scheduler,
    NotAllowed: of_not_allowed,
}
