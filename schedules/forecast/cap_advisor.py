"""Advises whether the cap may be raised by one, with the evidence. It changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from schedules.conf import Conf
from schedules.models import Firing
from stagent.lib.processes.process_metrics import percentile

LOOKS_BACK = timedelta(days=7)
MOST_ROWS = 20_000  # of the week, the newest
FIRST_TOKEN_P99_MS = 2000.0
LOOP_LAG_P99_MS = 50.0
SLOT_WAIT_P95_MS = 60_000.0
ENOUGH_FIRINGS = 20
CHAT = ("Chat is slow to answer.", "How the chat would bear it is not known: nobody chatted.")
LOOP = ("The event loop is late: the machine is busy.", "The event loop was not measured.")


@dataclass(frozen=True)
class Evidence:
    """One measurement of the last 7 days and its bound; `value` is None if nothing was measured."""

    name: str
    value: float | None
    bound: float
    unit: str
    holds: bool | None
    means: str
    unknown: str = ""
    of: str = ""  # which rows it was measured on: wait, lag or first_token


@dataclass(frozen=True)
class Advice:
    """The advice about the cap and its evidence."""

    cap: int
    may_raise: bool
    raise_helps: bool
    evidence: tuple[Evidence, ...]
    firings: int

    @property
    def sentence(self) -> str:
        if self.firings < ENOUGH_FIRINGS:
            return (
                f"Only {self.firings} firings were measured in the last 7 days: too few to advise on the cap."
            )
        if not self.raise_helps:
            return f"The cap of {self.cap} is enough: runs hardly wait for a slot."
        if self.may_raise:
            higher = self.cap + 1
            unknown = "".join(f" {figure.unknown}" for figure in self.evidence if figure.holds is None)
            may = f"The cap may be raised from {self.cap} to {higher}"
            return f"{may}: runs wait, and the machine has room.{unknown}"
        against = " ".join(figure.means for figure in self.evidence if figure.holds is False)
        return f"Runs wait, but the cap should stay at {self.cap}: {against}"


def advise(now: datetime, conf: Conf, first_tokens_ms: Sequence[float] = ()) -> Advice:
    """Evaluate the last 7 days. `first_tokens_ms` are the chat's; empty if nobody used it."""
    week = Firing.objects.fired().since(now - LOOKS_BACK).filter(slot_claimed_at__isnull=False)
    rows = list(week.order_by("-nominal_at").values_list("slot_wait_ms", "event_loop_lag_ms")[:MOST_ROWS])
    wait = percentile([wait for wait, _ in rows if wait is not None], 95)
    lag = percentile([lag for _, lag in rows if lag is not None], 99)
    first_token = percentile(first_tokens_ms, 99)
    room = (
        _evidence("Chat first token, p99", first_token, FIRST_TOKEN_P99_MS, *CHAT, of="first_token"),
        _evidence("Event-loop lag, p99", lag, LOOP_LAG_P99_MS, *LOOP, of="lag"),
    )
    helps = wait is not None and wait >= SLOT_WAIT_P95_MS
    little = "Runs hardly wait for a slot."
    waits = Evidence("Slot wait, p95", wait, SLOT_WAIT_P95_MS, "ms", helps, little, of="wait")
    enough = len(rows) >= ENOUGH_FIRINGS
    return Advice(
        cap=conf.max_concurrent,
        may_raise=enough and helps and all(figure.holds is not False for figure in room),
        raise_helps=enough and helps,
        evidence=(*room, waits),
        firings=len(rows),
    )


def _evidence(name: str, value: float | None, bound: float, means: str, unknown: str, *, of: str) -> Evidence:
    return Evidence(name, value, bound, "ms", None if value is None else value < bound, means, unknown, of)
