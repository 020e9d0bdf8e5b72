"""The errors of a request to run now, for the OpenAPI document."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from schedules.errors import Blocked, CapacityFull, NoScheduler, NotAllowed
from stagent.lib.api.responses import ErrorResponse
from stagent.lib.api.types import Id
from stagent.lib.problems import Problem


class CapacityRefusal(ErrorResponse):
    """Every slot is in use."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "error": "capacity_full",
                "message": "All slots are held: 2 of 2. The next one is expected in about 1 min 35 s (1 min "
                "to 2 min 10 s). Taken from 12 earlier runs of “Nightly report”. ?queue=true waits in the "
                "queue as number 1; ?force=true runs beyond the cap, which needs the permission "
                "schedules.force_run.",
                "fields": {},
                "slot_eta_sec": 95,
                "slot_eta_range_sec": [60, 130],
                "slot_eta_basis": "history",
                "held": 2,
                "cap": 2,
                "options": {"queue": "?queue=true waits in the queue", "force": "?force=true runs beyond it"},
                "position": 1,
                "blocking": ["41", "42"],
            }
        }
    )

    slot_eta_sec: int = Field(description="Seconds until a slot is expected; equal to Retry-After.")
    slot_eta_range_sec: list[int] = Field(description="The lowest and highest estimate.")
    slot_eta_basis: Literal["history", "similar", "limit"] = Field(
        description="Taken from earlier runs, from those of similar schedules, or only from time limits."
    )
    held: int = Field(description="Slots that are held, of the cap or of the schedule's own pool.")
    cap: int
    options: dict[str, str] = Field(description="The query parameters with which a request can proceed.")
    position: int = Field(description="The queue position of a request with ?queue=true.")
    blocking: list[Id] = Field(description="The running runs, the one expected to end first in front.")


class BlockedRefusal(ErrorResponse):
    """The provider or a budget blocks the run, whatever slots are free."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "error": "breaker_open",
                "message": "The provider anthropic is not asked now: invalid x-api-key. It is tried again "
                "2026-11-24 12:05:00 UTC. Correct the cause, then close the breaker under Providers in the "
                "console. Or queue the run: it starts when that is over. (?queue=true waits in the queue.)",
                "fields": {},
                "wait_reason": "breaker",
                "expected_at": "2026-11-24T12:05:00Z",
                "options": {"queue": "?queue=true waits in the queue"},
            }
        }
    )

    wait_reason: str = Field(description="As a queued run would tell it.")
    expected_at: datetime | None = Field(description="When it is expected to end; null if unknown.")
    options: dict[str, str] = Field(description="The query parameters with which a request can proceed.")


QUEUE = "?queue=true waits in the queue"
FORCE = "?force=true runs beyond the cap, which needs the permission schedules.force_run"


def of_full_capacity(error: CapacityFull) -> Problem:
    """Return when a slot is expected, the position in the queue, the blocking runs, and what to do."""
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
    return Problem(429, "capacity_full", text, headers=headers, extra=more)


def of_blocked(error: Blocked) -> Problem:
    """Return what blocks the run, until when if known, and what to do."""
    until = error.until.isoformat() if error.until else None
    more = {"wait_reason": error.wait_reason, "expected_at": until, "options": {"queue": QUEUE}}
    return Problem(409, error.code, f"{error} ({QUEUE}.)", extra=more)


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
