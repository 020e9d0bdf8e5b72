"""Takes and releases slots.

Forced runs take an overflow slot when the cap is full. A run outside the cap (in overflow, or above a cap
that was lowered) is displaced: the drain moves it into the first slot that becomes free under the cap. So a
free slot under the cap always means that the cap has capacity.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from schedules.conf import Conf
from schedules.errors import LostRace, NoCapacity
from schedules.models import Pool, Run, Slot
from schedules.models.slot import DEFAULT_POOL, OVERFLOW_POOL
from schedules.states import RunStatus
from schedules.transitions import prepared_sql

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FreeSlots:
    """The slots of a pool in one snapshot: free ones within its size, held ones outside it."""

    free: list[Slot]
    outside: list[Slot]
    held: int


@dataclass(frozen=True)
class SlotChoice:
    """A slot under the global cap, and how many others were held."""

    slot: Slot
    held: int


def take(run: Run, conf: Conf) -> SlotChoice:
    """Take a slot under the global cap, and one of the run's own pool; return the first.

    Raises `NoCapacity` or `LostRace`.
    """
    choice = _choose(run, conf)
    _hold(choice.slot, run)
    if run.pool and not run.forced:
        _hold(_first(run.pool, load(run.pool, _size(run.pool)).free), run)
    return choice


def _choose(run: Run, conf: Conf) -> SlotChoice:
    slots = load(DEFAULT_POOL, conf.max_concurrent)
    free = slots.free[len(slots.outside) :]  # the others are for displaced runs
    if not free and run.forced:
        overflow = load(OVERFLOW_POOL, conf.max_overflow).free
        return SlotChoice(_first(OVERFLOW_POOL, overflow), slots.held)
    return SlotChoice(_first(DEFAULT_POOL, free), slots.held)


def reclaim_slots(conf: Conf) -> int:
    """Move displaced runs into free slots under the cap; return how many slots stay free.

    One transaction each: two processes that move several in different orders would deadlock.
    """
    slots = load(DEFAULT_POOL, conf.max_concurrent)
    for displaced, free in zip(slots.outside, slots.free, strict=False):
        with suppress(LostRace), transaction.atomic():
            _move(displaced, free)
    return max(0, len(slots.free) - len(slots.outside))


def _first(pool: str, free: list[Slot]) -> Slot:
    if not free:
        raise NoCapacity(pool)
    return free[0]


def load(pool: str, size: int) -> FreeSlots:
    """Return the slots of a pool; create the rows that a raised size needs."""
    under_the_cap = pool == DEFAULT_POOL
    rows = prepared_sql.SLOTS_UNDER_THE_CAP() if under_the_cap else prepared_sql.SLOTS_OF_POOL(pool=pool)
    by_number = {slot.number: slot for slot in rows if slot.pool == pool}
    if missing := [number for number in range(1, size + 1) if number not in by_number]:
        Slot.objects.bulk_create(
            [Slot(pool=pool, number=number) for number in missing], ignore_conflicts=True
        )
        return load(pool, size)
    inside = [by_number[number] for number in range(1, size + 1) if by_number[number].enabled]
    held = [slot for slot in rows if slot.run_id is not None]
    return FreeSlots(
        free=[slot for slot in inside if slot.run_id is None],
        outside=[slot for slot in held if slot not in inside],
        held=len(held),
    )


def _size(pool: str) -> int:
    return Pool.objects.filter(pk=pool).values_list("size", flat=True).first() or 0


def _hold(slot: Slot, run: Run) -> None:
    try:
        changed = prepared_sql.HOLD(slot_id=slot.pk, run_id=run.pk)
    except IntegrityError:  # the run holds another slot of this pool: another process claimed it
        raise LostRace(f"run {run.pk}") from None
    if changed != 1:
        raise LostRace(f"slot {slot}")


def _move(displaced: Slot, free: Slot) -> None:
    """Move a displaced run into a free slot. The run row is locked first, as `finish` does."""
    run_id = displaced.run_id or 0
    moved = (
        Run.objects.filter(pk=run_id, status=RunStatus.RUNNING, slot=str(displaced)).update(slot=str(free))
        == 1
        and Slot.objects.filter(pk=displaced.pk, run_id=run_id).update(run=None) == 1
        and Slot.objects.free().filter(pk=free.pk).update(run_id=run_id) == 1
    )
    if not moved:  # the run may have ended or been moved already
        raise LostRace("displaced run")


def release(run_id: int) -> None:
    """Release the run's slots. A run without one is logged as an error; it may still end."""
    if prepared_sql.RELEASE_SLOTS(run_id=run_id) < 1:
        log.error("Run %s was running without a slot.", run_id)
