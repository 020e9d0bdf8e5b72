"""The state of the install at one moment: who holds which slot, who waits and why, who is alive."""

from collections.abc import Iterable
from datetime import datetime

from pydantic import ConfigDict, Field

from agents.models import LiveStream
from schedules import presence
from schedules import situation as situations
from schedules.api.examples import QUEUED, STATUS
from schedules.api.finding import runs
from schedules.api.firing_rows import Milli
from schedules.api.run_rows import RunRow, run_rows
from schedules.conf import Conf
from schedules.models import Pool, Run, Scheduler, Slot
from schedules.models.scheduler import A_WORKER
from schedules.models.slot import DEFAULT_POOL
from schedules.starts import starts
from schedules.states import RunStatus
from stagent.lib.api.values import Ref, Row, Said, Seen

SHOWN = 100  # runs of the queue


class SlotRow(Row):
    """A place to run, and who holds it until when."""

    pool: str
    number: int
    enabled: bool
    run_id: Ref
    schedule_id: Ref
    schedule_name: str | None
    holder: Said
    slot_claimed_at: datetime | None
    lease_expires_at: datetime | None
    deadline_at: datetime | None


class LiveStreamRow(Row):
    """Somebody who is being answered right now."""

    key: str
    holder: str
    started_at: datetime
    expires_at: datetime


class ProcessRow(Row):
    """A scheduler process that was seen lately."""

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
    """Whether anybody ticks and drains, and whether runs are performed."""

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
    """Everything at once; `queue` holds the first hundred of `queue_count`, first in line in front."""

    model_config = ConfigDict(json_schema_extra={"example": STATUS})

    at: datetime
    max_concurrent: int
    scheduled_work_stopped: bool
    running: int
    queue_count: int
    slots: list[SlotRow]
    queue: list[QueuedRow]
    waiting: list[RunRow] = Field(description="Runs that wait for a person's answer, the longest first.")
    live_streams: list[LiveStreamRow]
    scheduler: SchedulerRow


def status_row(now: datetime, conf: Conf) -> StatusRow:
    """Look at everything once."""
    queue = runs().filter(status=RunStatus.QUEUED).order_by("claim_order", "pk")
    waiting = runs().filter(status=RunStatus.WAITING).order_by("waiting_since", "pk")
    live = LiveStream.objects.live(now).order_by("started_at")
    return StatusRow(
        at=now,
        max_concurrent=conf.max_concurrent,
        scheduled_work_stopped=conf.stopped,
        running=Run.objects.running().count(),
        queue_count=queue.count(),
        slots=slot_rows(conf),
        queue=queue_rows(queue[:SHOWN], now, conf),
        waiting=run_rows(waiting[:SHOWN], now),
        live_streams=[LiveStreamRow.model_validate(stream) for stream in live],
        scheduler=scheduler_row(now),
    )


def queue_rows(queue: Iterable[Run], now: datetime, conf: Conf) -> list[QueuedRow]:
    """Show queued runs with when they are expected to start, as the slots and the queue are now."""
    if not (rows := run_rows(queue, now)):
        return []
    expected = starts(situations.look(now, conf)) if presence.complete(now) else {}
    return [
        QueuedRow.model_construct(**dict(row), expected_start_at=expected.get(int(row.id))) for row in rows
    ]


def slot_rows(conf: Conf) -> list[SlotRow]:
    """Show the places that count: those within their pool's size, and whatever else is held."""
    sizes = dict(Pool.objects.values_list("name", "size")) | {DEFAULT_POOL: conf.max_concurrent}
    kept = {(slot.pool, slot.number): slot for slot in Slot.objects.select_related("run")}
    held = {place for place, slot in kept.items() if slot.run_id is not None}
    places = {(pool, number) for pool, size in sizes.items() for number in range(1, size + 1)} | held
    # A place that nobody ever held has no row yet.
    return [_slot_row(kept.get(place) or Slot(pool=place[0], number=place[1])) for place in _sorted(places)]


def _sorted(places: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(places, key=lambda place: (place[0] != DEFAULT_POOL, *place))


def _slot_row(slot: Slot) -> SlotRow:
    place = {"pool": slot.pool, "number": slot.number, "enabled": slot.enabled, "run_id": slot.run_id}
    name = slot.run.schedule_name if slot.run else None
    return SlotRow.model_validate(Seen(slot.run or Run(), **place, schedule_name=name))


def scheduler_row(now: datetime) -> SchedulerRow:
    """Say who was seen lately, or else when somebody last was."""
    alive = Scheduler.objects.running(now)
    last = Scheduler.objects.exclude(A_WORKER).order_by("-seen_at").first()
    return SchedulerRow(
        alive=any(not process.is_worker for process in alive),
        executing=presence.complete(now),
        seen_at=last.seen_at if last else None,
        processes=[ProcessRow.model_validate(process) for process in alive],
    )
