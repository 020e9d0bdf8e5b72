"""The errors of the scheduler."""

from datetime import datetime
from typing import NamedTuple

from agents.errors import LeaseLost
from stagent.lib.web.formatting import duration_text

__all__ = ["Blocked", "CapacityFull", "LeaseLost", "LostRace", "NoCapacity", "NoScheduler", "NotAllowed"]


class NoCapacity(Exception):
    """Every slot of a pool is held."""

    def __init__(self, pool: str) -> None:
        super().__init__(f"Every slot of the pool {pool} is held.")
        self.pool = pool


class LostRace(Exception):
    """Another process changed the row first; the transaction rolls back and the work may be tried again."""


class NotAllowed(Exception):
    """The object's state does not allow this; `code` is the API's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Blocked(NotAllowed):
    """A run may not start now, whatever slots are free; queued, it starts when the blocker ends."""

    def __init__(self, code: str, wait_reason: str, message: str, until: datetime | None = None) -> None:
        super().__init__(code, message)
        self.wait_reason = wait_reason
        self.until = until  # when the blocker is expected to be gone, where that is known


class ExpectedError(NamedTuple):
    """When a slot is expected, in seconds, and the basis of the estimate."""

    eta_sec: int
    range_sec: tuple[int, int]
    basis: str
    taken_from: str


class CapacityFull(Exception):
    """All slots of the cap, or of the run's pool, are held; `expected` is the estimate."""

    def __init__(
        self,
        expected: ExpectedError,
        position: int,
        blocking: list[int],
        held: int,
        cap: int,
        full: str = "default",
    ) -> None:
        slots = {"default": "All slots", "overflow": "All slots, those for forced runs too,"}
        taken = f"{slots.get(full) or f'All slots of the pool {full}'} are held: {held} of {cap}."
        low, high = (_seconds(sec) for sec in expected.range_sec)
        span = f"about {_seconds(expected.eta_sec)} ({low} to {high})"
        super().__init__(f"{taken} The next one is expected in {span}. {expected.taken_from}")
        self.expected = expected
        self.position = position
        self.blocking = blocking
        self.held = held
        self.cap = cap

    @property
    def slot_eta_sec(self) -> int:
        return self.expected.eta_sec


def _seconds(seconds: int) -> str:
    return duration_text(1000 * seconds).replace(".0 s", " s")


class NoScheduler(Exception):
    """No scheduler is running to take the run, or no worker, if schedulers hand runs over."""

    def __init__(self, *, workers: bool = False) -> None:
        whom = "scheduler with a worker for it" if workers else "scheduler"
        start = (
            "manage.py runscheduler` and `manage.py procrastinate worker"
            if workers
            else "manage.py runscheduler"
        )
        super().__init__(f"No {whom} is running, so nobody would start it. Start `{start}`, or queue it.")
