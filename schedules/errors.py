"""What can go wrong in the scheduler, each explaining itself."""

from agents.errors import LeaseLost
from stagent.lib.cells import said

__all__ = ["CapacityFull", "LeaseLost", "NoRoom", "NoScheduler", "NotAllowed", "Quicker"]

FULL = {"default": "All slots are taken", "overflow": "All slots are taken, those for forced runs too"}


class NoRoom(Exception):
    """Every slot of a pool is held."""

    def __init__(self, pool: str) -> None:
        super().__init__(f"Every slot of the pool {pool} is held.")
        self.pool = pool


class Quicker(Exception):
    """Another process changed the row first; the transaction rolls back and the work may be tried again."""


class NotAllowed(Exception):
    """The thing cannot do that in the state it is in; `code` is the API's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class CapacityFull(Exception):
    """All slots are taken: `slot_eta_sec` until one is expected, `position` in the queue, who blocks.

    `full` is the pool that has no room.
    """

    def __init__(self, slot_eta_sec: int, position: int, blocking: list[int], full: str = "default") -> None:
        eta = said(1000 * slot_eta_sec).replace(".0 s", " s")
        taken = FULL.get(full) or f"All slots of the pool {full} are taken"
        super().__init__(f"{taken}; the next one is expected in about {eta}.")
        self.slot_eta_sec = slot_eta_sec
        self.position = position
        self.blocking = blocking


class NoScheduler(Exception):
    """No scheduler process is alive to take the run, or no worker, where schedulers hand runs over."""

    def __init__(self, *, workers: bool = False) -> None:
        whom = "scheduler with a worker for it" if workers else "scheduler"
        start = (
            "manage.py runscheduler` and `manage.py procrastinate worker"
            if workers
            else "manage.py runscheduler"
        )
        super().__init__(f"No {whom} is running, so nobody would start it. Start `{start}`, or queue it.")
