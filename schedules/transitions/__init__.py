"""Every arrow of `states.ARROWS`, one function each: the only writers of run state, slots and leases.

Each is one short transaction of conditional updates that state the expected row and check the row count. A
lost race is a normal result: None, False or `LeaseLost`.
"""

from schedules.transitions.claim import Claim, adopt, claim
from schedules.transitions.enqueue import enqueue, enqueue_all, new_run
from schedules.transitions.finish import fail_queued, finish, release, requeue
from schedules.transitions.lease import progress, record_work, renew, request_cancel
from schedules.transitions.park import park, unpark, withdraw
from schedules.transitions.run_ending import Ending
from schedules.transitions.schedules.next_instant import advance, defer
from schedules.transitions.schedules.status import forgive, pause, remove, restore, resume
from schedules.transitions.slots import reclaim_slots

__all__ = [
    "Claim",
    "Ending",
    "adopt",
    "advance",
    "claim",
    "defer",
    "enqueue",
    "enqueue_all",
    "fail_queued",
    "finish",
    "forgive",
    "new_run",
    "park",
    "pause",
    "progress",
    "reclaim_slots",
    "record_work",
    "release",
    "remove",
    "renew",
    "request_cancel",
    "requeue",
    "restore",
    "resume",
    "unpark",
    "withdraw",
]
