"""The current state of the install: slots, queue with wait reasons, live streams, processes."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from django.db.models import Count
from pydantic import ConfigDict, Field

from agents.models import LiveStream
from schedules.api.schemas.examples import QUEUED, STATUS
from schedules.api.schemas.firings import Milli
from schedules.api.schemas.runs import RunRow, row_values, run_rows, shown
from schedules.capacity import conditions
from schedules.capacity import processes as presence
from schedules.conf import Conf
from schedules.forecast.eta import expected_starts
from schedules.models import Pool, Run, Scheduler, Slot
from schedules.models.scheduler import A_WORKER
from schedules.models.slot import DEFAULT_POOL
from schedules.states import RunStatus
from stagent.lib.api.types import NullableId, NullableText, Row
from stagent.lib.db.prepared import Param, Select, Tuples

SHOWN = 100  # runs of the queue


class SlotRow(Row):
    """A slot and its run."""

    pool: str
    number: int
    enabled: bool
    run_id: NullableId
    schedule_id: NullableId
    schedule_name: str | None
    holder: NullableText
    slot_claimed_at: datetime | None
    lease_expires_at: datetime | None
    deadline_at: datetime | None


class LiveStreamRow(Row):
    """A reply that is streaming now."""

    key: str
    holder: str
    started_at: datetime
    expires_at: datetime


class ProcessRow(Row):
    """A scheduler process with a recent heartbeat."""

    holder: str
    host: str
    pid: int
    executes: bool
    claims: bool
    started_at: datetime
    seen_at: datetime
    event_loop_lag_ms: Milli | None
    rss_mb: Milli | None


class SchedulerRow(Row):
    """Whether a scheduler is running, and whether runs are executed."""

    alive: bool
    executing: bool
    seen_at: datetime | None
    processes: list[ProcessRow]


class QueuedRow(RunRow):
    """A run in the queue."""

    model_config = ConfigDict(json_schema_extra={"example": QUEUED})

    expected_start_at: datetime | None = Field(
        description="null while more than a slot is missing to it: somebody to start it, too."
    )


class StatusRow(Row):
    """The whole state; `queue` holds the first hundred of `queue_count` runs in claim order."""

    model_config = ConfigDict(json_schema_extra={"example": STATUS})

    at: datetime
    max_concurrent: int
    scheduled_work_stopped: bool
    running: int
    queue_count: int
    slots: list[SlotRow]
    queue: list[QueuedRow]
    waiting: list[RunRow] = Field(description="Runs that wait for a person's answer, longest wait first.")
    live_streams: list[LiveStreamRow]
    scheduler: SchedulerRow


def status_row(now: datetime, conf: Conf) -> StatusRow:
    """Read the whole state."""
    counts = dict(COUNTS())
    return StatusRow(
        at=now,
        max_concurrent=conf.max_concurrent,
        scheduled_work_stopped=conf.stopped,
        running=counts.get(RunStatus.RUNNING, 0),
        queue_count=counts.get(RunStatus.QUEUED, 0),
        slots=slot_rows(conf),
        queue=queue_rows(QUEUE(), now, conf),
        waiting=run_rows(WAITING(), now),
        live_streams=[LiveStreamRow.model_validate(stream) for stream in LIVE(now=now)],
        scheduler=scheduler_row(now),
    )


def queue_rows(queue: Sequence[Run], now: datetime, conf: Conf) -> list[QueuedRow]:
    """Return queued runs with their expected starts."""
    if not queue:
        return []
    situation = conditions.load(now, conf)
    expected = {} if situation.nobody_starts else expected_starts(situation, SHOWN)
    return [
        QueuedRow.model_validate(each | {"expected_start_at": expected.get(each["id"])})
        for each in row_values(queue, situation)
    ]


COUNTS = Tuples(
    Run.objects.filter(status__in=(RunStatus.QUEUED, RunStatus.RUNNING))
    .order_by()
    .values_list("status")
    .annotate(Count("pk"))
)
LIVE = Select(LiveStream.objects.live(cast(Any, Param("now", LiveStream.expires_at))).order_by("started_at"))
QUEUE = Select(shown().filter(status=RunStatus.QUEUED).order_by("claim_order", "pk")[:SHOWN], shared=True)
WAITING = Select(
    shown().filter(status=RunStatus.WAITING).order_by("waiting_since", "pk")[:SHOWN], shared=True
)


def slot_rows(conf: Conf) -> list[SlotRow]:
    """Return the slots within the size of their pool, and all others that are held."""
    sizes = {pool.name: pool.size for pool in POOLS()} | {DEFAULT_POOL: conf.max_concurrent}
    kept = {(slot.pool, slot.number): slot for slot in SLOTS()}
    held = {place for place, slot in kept.items() if slot.run_id is not None}
    places = {(pool, number) for pool, size in sizes.items() for number in range(1, size + 1)} | held
    # A place that nobody ever held has no row yet.
    return [_slot_row(kept.get(place) or Slot(pool=place[0], number=place[1])) for place in _sorted(places)]


def _sorted(places: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(places, key=lambda place: (place[0] != DEFAULT_POOL, *place))


def _slot_row(slot: Slot) -> SlotRow:
    place = {"pool": slot.pool, "number": slot.number, "enabled": slot.enabled, "run_id": slot.run_id}
    return SlotRow.model_validate(place | {name: getattr(slot.run, name, None) for name in OF_A_RUN})


OF_A_RUN = [name for name in SlotRow.model_fields if name not in ("pool", "number", "enabled", "run_id")]
POOLS = Select(Pool.objects.all())
SLOTS = Select(
    Slot.objects.select_related("run").only(
        "pool", "number", "enabled", *(f"run__{name.removesuffix('_id')}" for name in OF_A_RUN)
    )
)


def scheduler_row(now: datetime) -> SchedulerRow:
    """Return the running processes, or when one was last seen."""
    alive = Scheduler.objects.running(now)
    last = SEEN_LAST.first()
    return SchedulerRow(
        alive=any(not process.is_worker for process in alive),
        executing=presence.complete(now),
        seen_at=last.seen_at if last else None,
        processes=[ProcessRow.model_validate(process) for process in alive],
    )


SEEN_LAST = Select(Scheduler.objects.exclude(A_WORKER).order_by("-seen_at")[:1])
